// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// (x − mean)/√(var + ε)·(1 + scale) + shift over the last axis: inputs x, scale, shift.
struct ModulatedNorm: Composed {
  let epsilon: Float

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.modulatedNorm(inputs[0], scale: inputs[1], shift: inputs[2], epsilon: epsilon)]
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    [
      Standardised(inputs[0], epsilon: epsilon).value * (1 + inputs[1].forAllTokens)
        + inputs[2].forAllTokens
    ]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    apply(ModulatedNormGradient(epsilon: epsilon), to: [inputs[0], inputs[1], cotangents[0]!])
  }
}

/// The gradients of ``ModulatedNorm``: inputs x, scale, cotangent; results dx, dscale, dshift.
///
/// With n = (x − mean)·r, r = 1/√(var + ε) and dn = d·(1 + scale): dx = r·(dn − mean(dn) − n·mean(n·dn)),
/// dscale = Σ n·d and dshift = Σ d over the tokens.
struct ModulatedNormGradient: Composed {
  let epsilon: Float

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.modulatedNormGradient(inputs[0], scale: inputs[1], cotangent: inputs[2], epsilon: epsilon)
    return [g.x, g.scale, g.shift]
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    let x = Standardised(inputs[0], epsilon: epsilon), d = inputs[2]
    let n = x.value, dn = d * (1 + inputs[1].forAllTokens)
    let dx = x.inverse * (dn - dn.lastMean - n * (n * dn).lastMean)
    return [dx, (n * d).sumOfTokens, d.sumOfTokens]
  }
}

/// n = (x − mean)·r with r = 1/√(var + ε), over the last axis.
private struct Standardised {
  let value: Variable
  let inverse: Variable

  init(_ x: Variable, epsilon: Float) {
    let centred = x - x.lastMean
    inverse = (centred.map(.square).lastMean + epsilon).map(.reciprocalSqrt)
    value = centred * inverse
  }
}

extension Variable {
  /// Layer normalisation without affine, then modulation: (x − mean)/√(var + ε)·(1 + scale) + shift.
  ///
  /// x is [batch…, tokens, channels]; scale and shift are [batch…, channels].
  public func modulatedNorm(scale: Variable, shift: Variable, epsilon: Float = 1e-6) -> Variable {
    apply(ModulatedNorm(epsilon: epsilon), self, scale, shift)
  }
}
