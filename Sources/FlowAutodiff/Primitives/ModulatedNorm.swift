// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// n·(offset + scale) + shift with n = (x − mean)/√(var + ε) over the last axis: inputs x, scale, shift.
struct ModulatedNorm: Primitive {
  let norm: Standardisation

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [
      Tensor.modulatedNorm(
        inputs[0], scale: inputs[1], shift: inputs[2], epsilon: norm.epsilon, offset: norm.offset)
    ]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let x = inputs[0], scale = inputs[1], zero = { (like: Variable) in Variable(.zeros(like.shape)) }
    let dx = tangents[0] ?? zero(x)
    if tangents[1] == nil, tangents[2] == nil {
      return [apply(ModulatedNormTangent(norm: norm), x, scale, dx)]
    }
    let modulation = [tangents[1] ?? zero(scale), tangents[2] ?? zero(scale)]
    return [apply(ModulatedNormTangent(norm: norm), to: [x, scale, dx] + modulation)[0]]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    apply(ModulatedNormGradient(norm: norm), to: [inputs[0], inputs[1], cotangents[0]!])
  }
}

/// The tangent of ``ModulatedNorm``: inputs x, scale, dx, and dscale and dshift or neither.
///
/// r·(dx − mean(dx) − n·mean(n·dx))·(offset + scale) + n·dscale + dshift.
struct ModulatedNormTangent: Composed {
  let norm: Standardisation

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let modulation = inputs.count > 3 ? (scale: inputs[3], shift: inputs[4]) : nil
    return [
      Tensor.modulatedNormTangent(
        inputs[0], scale: inputs[1], tangent: inputs[2], modulation: modulation, epsilon: norm.epsilon,
        offset: norm.offset)
    ]
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    let (n, r) = norm.standardised(inputs[0])
    let moved = norm.projected(inputs[2], n) * r * norm.factor(inputs[1])
    return [inputs.count > 3 ? moved + n * inputs[3].forAllTokens + inputs[4].forAllTokens : moved]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    apply(ModulatedNormTangentGradient(norm: norm), to: inputs + [cotangents[0]!])
  }
}

/// The gradients of ``ModulatedNormTangent``: its inputs and a cotangent; one result an input. The kernel has the formula.
struct ModulatedNormTangentGradient: Composed {
  let norm: Standardisation

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.modulatedNormTangentGradient(
      inputs[0], scale: inputs[1], tangent: inputs[2], scaleTangent: inputs.count > 4 ? inputs[3] : nil,
      cotangent: inputs.last!, epsilon: norm.epsilon, offset: norm.offset)
    return [g.x, g.scale, g.tangent] + (g.modulation.map { [$0.scale, $0.shift] } ?? [])
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    gradients(of: ModulatedNormTangent(norm: norm), inputs)
  }
}

/// The gradients of ``ModulatedNorm``: inputs x, scale, cotangent; results dx, dscale, dshift.
///
/// With d the cotangent and dn = d·(offset + scale): dx = r·(dn − mean(dn) − n·mean(n·dn)), dscale = Σ n·d and
/// dshift = Σ d over the tokens.
struct ModulatedNormGradient: Composed {
  let norm: Standardisation

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.modulatedNormGradient(
      inputs[0], scale: inputs[1], cotangent: inputs[2], epsilon: norm.epsilon, offset: norm.offset)
    return [g.x, g.scale, g.shift]
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    let (n, r) = norm.standardised(inputs[0]), d = inputs[2]
    let dx = r * norm.projected(d * norm.factor(inputs[1]), n)
    return [dx, (n * d).sum(axis: -2), d.sum(axis: -2)]
  }
}

/// What the norms of this file have in common.
struct Standardisation {
  let epsilon: Float
  /// Added to the scale: 1 for a modulation around none, 0 for a plain factor.
  let offset: Float

  /// n = (x − mean)·r and r = 1/√(var + ε).
  func standardised(_ x: Variable) -> (value: Variable, inverse: Variable) {
    let centred = x - x.lastMean
    let inverse = (centred.map(.square).lastMean + epsilon).map(.reciprocalSqrt)
    return (centred * inverse, inverse)
  }

  /// d − mean(d) − n·mean(n·d): what of d changes neither mean nor variance.
  func projected(_ d: Variable, _ n: Variable) -> Variable { d - d.lastMean - n * (n * d).lastMean }

  /// offset + scale, for all tokens.
  func factor(_ scale: Variable) -> Variable { offset + scale.forAllTokens }
}

extension Variable {
  /// Layer normalisation without affine, then modulation: (x − mean)/√(var + ε)·(1 + scale) + shift.
  ///
  /// x is [batch…, tokens, channels]; scale and shift are [batch…, channels].
  public func modulatedNorm(scale: Variable, shift: Variable, epsilon: Float = 1e-6) -> Variable {
    apply(ModulatedNorm(norm: Standardisation(epsilon: epsilon, offset: 1)), self, scale, shift)
  }

  /// Layer normalisation: (x − mean)/√(var + ε)·weight + bias over the last axis.
  public func layerNorm(weight: Variable, bias: Variable, epsilon: Float = 1e-6) -> Variable {
    let norm = ModulatedNorm(norm: Standardisation(epsilon: epsilon, offset: 0))
    return apply(norm, reshaped(rows), weight, bias).reshaped(shape)
  }

  /// Layer normalisation without affine: (x − mean)/√(var + ε) over the last axis.
  public func layerNorm(epsilon: Float = 1e-6) -> Variable {
    let norm = ModulatedNorm(norm: Standardisation(epsilon: epsilon, offset: 1))
    let zero = Variable(.zeros([shape[-1]]))
    return apply(norm, reshaped(rows), zero, zero).reshaped(shape)
  }

  /// Group normalisation of [batch, …, channels]: each group of neighbouring channels is standardised over all
  /// positions of a batch row, then each channel scaled by `weight` and shifted by `bias`.
  public func groupNorm(groups: Int, weight: Variable, bias: Variable, epsilon: Float = 1e-6) -> Variable {
    let (batch, channels) = (shape[0], shape[-1])
    precondition(channels % groups == 0, "groupNorm: \(channels) channels in \(groups) groups")
    let positions = shape.extents.dropFirst().dropLast().reduce(1, *), width = channels / groups
    let grouped = reshaped([batch, positions, groups, width]).permuted([0, 2, 1, 3])
    let standard = grouped.reshaped([batch, groups, positions * width]).layerNorm(epsilon: epsilon)
    let back = standard.reshaped([batch, groups, positions, width]).permuted([0, 2, 1, 3])
    return back.reshaped(shape) * weight + bias
  }

  private var rows: Shape { [shape.extents.dropLast().reduce(1, *), shape[-1]] }
}
