// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// x·r·weight with r = 1/√(mean x² + ε) over the last axis: inputs x, weight.
struct RMSNorm: Composed {
  let epsilon: Float

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.rmsNorm(inputs[0], weight: inputs[1], epsilon: epsilon)]
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    [inputs[0] * inverse(inputs[0], epsilon) * inputs[1]]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    apply(RMSNormGradient(epsilon: epsilon), to: [inputs[0], inputs[1], cotangents[0]!])
  }
}

/// The gradients of ``RMSNorm``: inputs x, weight, cotangent; results dx, dweight.
///
/// dx = r·(d·weight − x·r²·mean(x·d·weight)) and dweight = Σ x·r·d over the rows.
struct RMSNormGradient: Composed {
  let epsilon: Float

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.rmsNormGradient(inputs[0], weight: inputs[1], cotangent: inputs[2], epsilon: epsilon)
    return [g.x, g.weight]
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    let x = inputs[0], dn = inputs[2] * inputs[1], r = inverse(x, epsilon)
    let dx = r * (dn - x * r.map(.square) * (x * dn).lastMean)
    return [dx, (x * r * inputs[2]).sum(to: inputs[1].shape)]
  }
}

/// 1/√(mean x² + ε).
private func inverse(_ x: Variable, _ epsilon: Float) -> Variable {
  (x.map(.square).lastMean + epsilon).map(.reciprocalSqrt)
}

extension Variable {
  /// x/√(mean x² + ε)·weight over the last axis.
  public func rmsNorm(weight: Variable, epsilon: Float = 1e-6) -> Variable {
    apply(RMSNorm(epsilon: epsilon), self, weight)
  }
}
