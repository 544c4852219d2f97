// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// x + gate∘y with y = f(z)·Dᵀ + b, z = n·Uᵀ + a and n the modulated normalisation of x: inputs x, scale, shift, gate, U,
/// a, D, b; results the sum, z and y. z and y are what the derivatives need, and not for the caller.
struct ModulatedFeedForward: Primitive {
  let norm: Standardisation
  let activation: Activation

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.modulatedFeedForward(
      inputs[0], Modulation(scale: inputs[1], shift: inputs[2], epsilon: norm.epsilon), gate: inputs[3],
      up: LinearWeights(weight: inputs[4], bias: inputs[5]),
      down: LinearWeights(weight: inputs[6], bias: inputs[7]), activation: activation)
    return [g.result, g.sum, g.layer]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let z = outputs[1].tokenRows, y = outputs[2]
    let dn = norm.modulatedTangent(inputs, tangents)?.tokenRows
    let n = tangents[4] == nil ? z : apply(ModulatedNorm(norm: norm), to: Array(inputs[..<3]))[0].tokenRows
    let dz = Linear.tangent([n, inputs[4], inputs[5]], [dn, tangents[4], tangents[5]])?.broadcast(to: z.shape)
    let dh = dz.map { combine(activation.gradient, $0, z) }
    let moved = self.moved(inputs, z, y, dh, tangents)
    return [moved.result, dz?.reshaped(outputs[1].shape), moved.layer]
  }

  /// The tangent of the result alone, where nothing needs those of z and y.
  func resultTangent(_ inputs: [Variable], _ outputs: [Variable], _ tangents: [Variable?]) -> Variable? {
    if let d = norm.constantTangents(inputs, tangents), let gate = tangents[3],
      tangents[4...].allSatisfy({ $0 == nil })
    {
      return Variable(
        Tensor.modulatedFeedForwardTangent(
          inputs[0].tensor, norm.modulation(inputs), gate: inputs[3].tensor, up: inputs[4].tensor,
          down: inputs[6].tensor, sum: outputs[1].tensor, layer: outputs[2].tensor, along: d,
          gateTangent: gate.tensor, activation: activation))
    }
    let z = outputs[1].tokenRows
    guard let dn = norm.modulatedTangent(inputs, tangents)?.tokenRows, tangents[4] == nil, tangents[5] == nil
    else { return jvp(inputs, outputs, tangents: tangents)[0] }
    let dh = ActivatedLinear(activation: activation).resultTangent(
      [dn, inputs[4], inputs[5]], sum: z, [dn, nil, nil])
    return moved(inputs, z, outputs[2], dh, tangents).result
  }

  /// The tangents of the result and of y from that of f(z).
  private func moved(
    _ inputs: [Variable], _ z: Variable, _ y: Variable, _ dh: Variable?, _ tangents: [Variable?]
  ) -> (result: Variable?, layer: Variable?) {
    let h = tangents[6] == nil ? z : z.map(activation.function)
    let rows = Linear.tangent([h, inputs[6], inputs[7]], [dh, tangents[6], tangents[7]])
    let dy = rows?.broadcast(to: y.tokenRows.shape).reshaped(y.shape)
    let all = [tangents[0], tangents[3], dy]
    if all.allSatisfy({ $0 == nil }) { return (nil, nil) }
    return (GatedAdd().jvp([inputs[0], inputs[3], y], [], tangents: all)[0], dy)
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    guard let d = cotangents[0], cotangents[1] == nil, cotangents[2] == nil, needed.allSatisfy({ $0 }) else {
      return pullback(at: inputs, needed: needed, of: composition) { _ in cotangents }.cotangents
    }
    return apply(
      ModulatedFeedForwardGradient(norm: norm, activation: activation),
      to: Array(inputs[..<5]) + [inputs[6], outputs[1], outputs[2], d])
  }

  private func composition(_ inputs: [Variable]) -> [Variable] {
    let x = inputs[0]
    let n = apply(ModulatedNorm(norm: norm), to: Array(inputs[..<3]))[0].tokenRows
    let hidden = apply(ActivatedLinear(activation: activation), to: [n, inputs[4], inputs[5]])
    let y = linear(hidden[0], weight: inputs[6], bias: inputs[7]).reshaped(x.shape)
    let z = hidden[1].reshaped(x.shape.replacing(-1, with: inputs[4].shape[0]))
    return [x.adding(y, gate: inputs[3]), z, y]
  }
}

/// The gradients of ``ModulatedFeedForward``: inputs x, scale, shift, gate, U, D, z, y, d; results dx, dscale, dshift,
/// dgate, dU, da, dD, db.
struct ModulatedFeedForwardGradient: Composed {
  let norm: Standardisation
  let activation: Activation

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.modulatedFeedForwardGradient(
      inputs[0], Modulation(scale: inputs[1], shift: inputs[2], epsilon: norm.epsilon), gate: inputs[3],
      up: inputs[4], down: inputs[5], sum: inputs[6], layer: inputs[7], cotangent: inputs[8],
      activation: activation)
    return [g.x, g.scale, g.shift, g.gate, g.up.weight, g.up.bias, g.down.weight, g.down.bias]
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    let (x, up, down, z, d) = (inputs[0], inputs[4], inputs[5], inputs[6].tokenRows, inputs[8])
    let gated = apply(GatedAddGradient(), to: [inputs[3], inputs[7], d])
    let n = apply(ModulatedNorm(norm: norm), to: Array(inputs[..<3]))[0].tokenRows
    let dy = gated[1].tokenRows
    let dz = combine(activation.gradient, matmul(dy, down), z)
    let normed = apply(
      ModulatedNormGradient(norm: norm), to: [x, inputs[1], matmul(dz, up).reshaped(x.shape)])
    return [
      d + normed[0], normed[1], normed[2], gated[0], matmul(dz, n, transposeA: true), dz.sum(axis: 0),
      matmul(dy, z.map(activation.function), transposeA: true), dy.sum(axis: 0),
    ]
  }
}

extension Variable {
  /// x + gate∘(f(n·Uᵀ + a)·Dᵀ + b): the feed-forward branch of a transformer block on the residual stream x
  /// [batch…, tokens, channels], with n = (x − mean)/√(var + ε)·(1 + scale) + shift, U [hidden, channels] and D
  /// [channels, hidden]; scale, shift and gate are [batch…, channels].
  ///
  /// Where derivatives are taken, n and the hidden layer are formed a tile of tokens at a time, and again by the
  /// backward pass; n·Uᵀ + a is what is kept of them.
  public func addingFeedForward(
    scale: Variable, shift: Variable, gate: Variable, up: (weight: Variable, bias: Variable),
    down: (weight: Variable, bias: Variable), activation: Activation, epsilon: Float = 1e-6
  ) -> Variable {
    let inputs = [self, scale, shift, gate, up.weight, up.bias, down.weight, down.bias]
    guard isTiled(with: inputs) else {
      let n = modulatedNorm(scale: scale, shift: shift, epsilon: epsilon)
      let hidden = linear(n, weight: up.weight, bias: up.bias, activation: activation)
      return adding(linear(hidden, weight: down.weight, bias: down.bias), gate: gate)
    }
    let primitive = ModulatedFeedForward(
      norm: Standardisation(epsilon: epsilon, offset: 1), activation: activation)
    guard case .dual? = innermost(inputs)?.role else { return apply(primitive, to: inputs)[0] }
    return applyDual(primitive, inputs) { primals, outputs, tangents in
      [primitive.resultTangent(primals, outputs, tangents), nil, nil]
    }[0]
  }
}
