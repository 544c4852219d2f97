// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// Linear layers of a modulated normalisation n of x: inputs x, scale, shift, and W and b of each layer in turn; a
/// result n·Wᵀ + b a layer.
struct ModulatedLinear: Primitive {
  let norm: Standardisation

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    Tensor.modulatedLinear(
      inputs[0], Modulation(scale: inputs[1], shift: inputs[2], epsilon: norm.epsilon),
      layers(inputs).map { LinearWeights(weight: $0.weight, bias: $0.bias) })
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let moved = layers(tangents)
    if let d = norm.constantTangents(inputs, tangents),
      moved.allSatisfy({ $0.weight == nil && $0.bias == nil })
    {
      return Tensor.modulatedLinearTangent(
        inputs[0].tensor, norm.modulation(inputs), weights: layers(inputs).map(\.weight.tensor), along: d
      ).map { Variable($0) }
    }
    let dn = norm.modulatedTangent(inputs, tangents)
    let needsValue = moved.contains { $0.weight != nil }
    let n = needsValue ? apply(ModulatedNorm(norm: norm), to: Array(inputs[..<3]))[0] : inputs[0]
    return zip(zip(layers(inputs), moved), outputs).map { layer, output in
      let (values, tangents) = layer
      let rows = Linear.tangent(
        [n.tokenRows, values.weight, values.bias], [dn?.tokenRows, tangents.weight, tangents.bias])
      return rows?.broadcast(to: output.tokenRows.shape).reshaped(output.shape)
    }
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    guard needed.allSatisfy({ $0 }) else {
      return pullback(at: inputs, needed: needed, of: composition) { _ in cotangents }.cotangents
    }
    let d = zip(cotangents, outputs).map { $0 ?? Variable(.zeros($1.shape)) }
    let weights = layers(inputs).map(\.weight)
    return apply(
      ModulatedLinearGradient(norm: norm, layers: d.count), to: Array(inputs[..<3]) + weights + d)
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    let n = apply(ModulatedNorm(norm: norm), to: Array(inputs[..<3]))[0]
    return layers(inputs).map { linear(n, weight: $0.weight, bias: $0.bias) }
  }

  private func layers<Value>(_ inputs: [Value]) -> [(weight: Value, bias: Value)] {
    stride(from: 3, to: inputs.count, by: 2).map { (inputs[$0], inputs[$0 + 1]) }
  }
}

/// The gradients of ``ModulatedLinear``: inputs x, scale, shift, W of each layer, and a cotangent d of each layer;
/// results dx, dscale, dshift, and dW and db of each layer in turn.
struct ModulatedLinearGradient: Composed {
  let norm: Standardisation
  let layers: Int

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.modulatedLinearGradient(
      inputs[0], Modulation(scale: inputs[1], shift: inputs[2], epsilon: norm.epsilon),
      weights: Array(inputs[3..<3 + layers]), cotangents: Array(inputs[(3 + layers)...]))
    return [g.x, g.scale, g.shift] + g.layers.flatMap { [$0.weight, $0.bias] }
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    let n = apply(ModulatedNorm(norm: norm), to: Array(inputs[..<3]))[0].tokenRows
    let pairs = (0..<layers).map { (weight: inputs[3 + $0], d: inputs[3 + layers + $0].tokenRows) }
    let parts = pairs.map { matmul($0.d, $0.weight) }
    let dn = parts.dropFirst().reduce(parts[0]) { $0 + $1 }.reshaped(inputs[0].shape)
    return apply(ModulatedNormGradient(norm: norm), to: [inputs[0], inputs[1], dn])
      + pairs.flatMap { [matmul($0.d, n, transposeA: true), $0.d.sum(axis: 0)] }
  }
}

extension Standardisation {
  /// The tangent of the modulated normalisation of x, scale, shift, the first three inputs; nil where it is zero.
  func modulatedTangent(_ inputs: [Variable], _ tangents: [Variable?]) -> Variable? {
    let own = Array(tangents[..<3])
    if own.allSatisfy({ $0 == nil }) { return nil }
    return ModulatedNorm(norm: self).jvp(Array(inputs[..<3]), [], tangents: own)[0]
  }

  /// The tangents of x, scale and shift, the first three inputs, where all move and no transformation outside sees what
  /// is made of inputs and tangents: then a fused kernel makes it.
  func constantTangents(_ inputs: [Variable], _ tangents: [Variable?]) -> ModulatedTangents? {
    guard let x = tangents[0], let scale = tangents[1], let shift = tangents[2],
      inputs.allSatisfy({ $0.trace == nil }), tangents.allSatisfy({ $0?.trace == nil })
    else { return nil }
    return ModulatedTangents(x: x.tensor, scale: scale.tensor, shift: shift.tensor)
  }

  /// The modulation that inputs x, scale, shift say.
  func modulation(_ inputs: [Variable]) -> Modulation {
    Modulation(scale: inputs[1].tensor, shift: inputs[2].tensor, epsilon: epsilon)
  }
}

extension Variable {
  /// All tokens of [batch…, tokens, channels] as rows.
  var tokenRows: Variable { reshaped([shape.extents.dropLast().reduce(1, *), shape[-1]]) }

  /// Whether a fused kernel that goes by tiles of tokens is for x [batch…, tokens, channels] and others: derivatives are
  /// being taken, so that what it keeps is needed, and there are tokens enough, in float32.
  func isTiled(with others: [Variable]) -> Bool {
    guard Tensor.isTiled(tokens: shape.extents.dropLast().reduce(1, *)) else { return false }
    switch innermost([self] + others)?.role {
    case nil, .constant: return false
    case .recorded, .dual: return true
    }
  }

  /// Linear layers of the modulated normalisation n of this x [batch…, tokens, channels]: n·Wᵀ + b a layer, with
  /// n = (x − mean)/√(var + ε)·(1 + scale) + shift, scale and shift [batch…, channels].
  ///
  /// Where derivatives are taken, n is formed a tile of tokens at a time, and again by the backward pass: it takes no
  /// memory, and x is read once.
  public func modulatedLinear(
    scale: Variable, shift: Variable, layers: [(weight: Variable, bias: Variable)], epsilon: Float = 1e-6
  ) -> [Variable] {
    let primitive = ModulatedLinear(norm: Standardisation(epsilon: epsilon, offset: 1))
    let inputs = [self, scale, shift] + layers.flatMap { [$0.weight, $0.bias] }
    return isTiled(with: inputs) ? apply(primitive, to: inputs) : primitive.composition(inputs)
  }
}
