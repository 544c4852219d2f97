// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// x + gate∘y and y = a·Wᵀ + b: inputs x, gate, a, W, b. y is what the derivatives need, and not for the caller.
struct GatedLinear: Primitive {
  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.gatedLinear(
      inputs[0], gate: inputs[1], inputs[2], LinearWeights(weight: inputs[3], bias: inputs[4]))
    return [g.result, g.layer]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let y = outputs[1]
    let rows = Linear.tangent(
      [inputs[2].tokenRows, inputs[3], inputs[4]], [tangents[2]?.tokenRows, tangents[3], tangents[4]])
    let dy = rows?.broadcast(to: y.tokenRows.shape).reshaped(y.shape)
    let moved = [tangents[0], tangents[1], dy]
    if moved.allSatisfy({ $0 == nil }) { return [nil, nil] }
    return [GatedAdd().jvp([inputs[0], inputs[1], y], [], tangents: moved)[0], dy]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    guard let d = cotangents[0], cotangents[1] == nil, needed[1...].allSatisfy({ $0 }) else {
      return pullback(at: inputs, needed: needed, of: composition) { _ in cotangents }.cotangents
    }
    return [d] + apply(GatedLinearGradient(), to: [inputs[1], inputs[2], inputs[3], outputs[1], d])
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    let y = linear(inputs[2], weight: inputs[3], bias: inputs[4])
    return [inputs[0].adding(y, gate: inputs[1]), y]
  }
}

/// The gradients of ``GatedLinear``: inputs gate, a, W, y, d; results dgate, da, dW, db.
struct GatedLinearGradient: Composed {
  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.gatedLinearGradient(
      gate: inputs[0], inputs[1], weight: inputs[2], layer: inputs[3], cotangent: inputs[4])
    return [g.gate, g.input, g.layer.weight, g.layer.bias]
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    let gated = apply(GatedAddGradient(), to: [inputs[0], inputs[3], inputs[4]])
    let dy = gated[1].tokenRows
    return [
      gated[0], matmul(dy, inputs[2]).reshaped(inputs[1].shape),
      matmul(dy, inputs[1].tokenRows, transposeA: true), dy.sum(axis: 0),
    ]
  }
}

extension Variable {
  /// x + gate∘(a·Wᵀ + b), with x [batch…, tokens, channels], a [batch…, tokens, input] and gate [batch…, channels].
  public func addingLinear(
    _ a: Variable, gate: Variable, weight: Variable, bias: Variable
  ) -> Variable {
    let inputs = [self, gate, a, weight, bias], primitive = GatedLinear()
    return isTiled(with: inputs) ? apply(primitive, to: inputs)[0] : primitive.composition(inputs)[0]
  }
}
