// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// x + gate·y, one gate for all tokens of a batch row: inputs x, gate, y.
struct GatedAdd: Primitive {
  func forward(_ inputs: [Tensor]) -> [Tensor] { [Tensor.gatedAdd(inputs[0], gate: inputs[1], inputs[2])] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    var result = tangents[0]
    func add(_ gate: Variable, _ y: Variable) {
      result = result?.adding(y, gate: gate) ?? gate.forAllTokens * y
    }
    if let gate = tangents[1] { add(gate, inputs[2]) }
    if let y = tangents[2] { add(inputs[1], y) }
    return [result]
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

/// The gradients of ``GatedAdd``: inputs gate, y, cotangent; results dgate = Σ y·d over the tokens, dy = gate·d.
struct GatedAddGradient: Composed {
  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.gatedAddGradient(gate: inputs[0], inputs[1], cotangent: inputs[2])
    return [g.gate, g.y]
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    [(inputs[1] * inputs[2]).sumOfTokens, inputs[0].forAllTokens * inputs[2]]
  }
}

extension Variable {
  /// x + gate·y, with x and y [batch…, tokens, channels] and gate [batch…, channels].
  public func adding(_ y: Variable, gate: Variable) -> Variable { apply(GatedAdd(), self, gate, y) }
}
