// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// x + gate·y, one gate for all tokens of a batch row: inputs x, gate, y.
struct GatedAdd: Primitive {
  func forward(_ inputs: [Tensor]) -> [Tensor] { [Tensor.gatedAdd(inputs[0], gate: inputs[1], inputs[2])] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    if let dx = tangents[0], let dgate = tangents[1], let dy = tangents[2] {
      return apply(GatedAddTangent(), to: [inputs[1], inputs[2], dx, dgate, dy])
    }
    let parts = [
      tangents[0], tangents[1].map { $0.forAllTokens * inputs[2] },
      tangents[2].map { inputs[1].forAllTokens * $0 },
    ]
    return [parts.reduce(nil, total)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let d = cotangents[0]!
    guard needed[1] || needed[2] else { return [d, nil, nil] }
    let gradients = apply(GatedAddGradient(), to: [inputs[1], inputs[2], d])
    return [d, gradients[0], gradients[1]]
  }
}

/// The tangent of ``GatedAdd``, dx + dgate·y + gate·dy: inputs gate, y, dx, dgate, dy.
struct GatedAddTangent: Composed {
  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let tangents = (x: inputs[2], gate: inputs[3], y: inputs[4])
    return [Tensor.gatedAddTangent(gate: inputs[0], inputs[1], tangents: tangents)]
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    [inputs[2].adding(inputs[1], gate: inputs[3]).adding(inputs[4], gate: inputs[0])]
  }
}

/// The gradients of ``GatedAdd``: inputs gate, y, cotangent; results dgate = Σ y·d over the tokens, dy = gate·d.
struct GatedAddGradient: Composed {
  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.gatedAddGradient(gate: inputs[0], inputs[1], cotangent: inputs[2])
    return [g.gate, g.y]
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    [(inputs[1] * inputs[2]).sum(axis: -2), inputs[0].forAllTokens * inputs[2]]
  }
}

extension Variable {
  /// x + gate·y, with x and y [batch…, tokens, channels] and gate [batch…, channels].
  public func adding(_ y: Variable, gate: Variable) -> Variable { apply(GatedAdd(), self, gate, y) }
}
