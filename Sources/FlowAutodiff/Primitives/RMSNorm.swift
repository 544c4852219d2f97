// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// x·r·weight with r = 1/√(mean x² + ε) over the last axis: inputs x, weight.
struct RMSNorm: Primitive {
  let epsilon: Float

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.rmsNorm(inputs[0], weight: inputs[1], epsilon: epsilon)]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let dx = tangents[0] ?? Variable(.zeros(inputs[0].shape))
    let weight = tangents[1].map { [$0] } ?? []
    return apply(RMSNormTangent(epsilon: epsilon), to: inputs + [dx] + weight)
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    apply(RMSNormGradient(epsilon: epsilon), to: [inputs[0], inputs[1], cotangents[0]!])
  }
}

/// The tangent of ``RMSNorm``: inputs x, weight, dx, and dweight or nothing.
///
/// r·(dx − x·r²·mean(x·dx))·weight + x·r·dweight.
struct RMSNormTangent: Composed {
  let epsilon: Float

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [
      Tensor.rmsNormTangent(
        inputs[0], weight: inputs[1], tangent: inputs[2], weightTangent: inputs.count > 3 ? inputs[3] : nil,
        epsilon: epsilon)
    ]
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    let x = inputs[0], dx = inputs[2], r = inverse(x, epsilon)
    let moved = r * (dx - x * r.map(.square) * (x * dx).lastMean) * inputs[1]
    return [inputs.count > 3 ? moved + x * r * inputs[3] : moved]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    apply(RMSNormTangentGradient(epsilon: epsilon), to: inputs + [cotangents[0]!])
  }
}

/// The gradients of ``RMSNormTangent``: its inputs and a cotangent; one result an input. The kernel has the formula.
struct RMSNormTangentGradient: Composed {
  let epsilon: Float

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.rmsNormTangentGradient(
      inputs[0], weight: inputs[1], tangent: inputs[2], weightTangent: inputs.count > 4 ? inputs[3] : nil,
      cotangent: inputs.last!, epsilon: epsilon)
    return [g.x, g.weight, g.tangent] + (g.weightTangent.map { [$0] } ?? [])
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    gradients(of: RMSNormTangent(epsilon: epsilon), inputs)
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

  /// x/√(mean x² + ε) over the last axis.
  public func rmsNorm(epsilon: Float = 1e-6) -> Variable {
    rmsNorm(weight: Variable(Tensor(repeating: 1, shape: [shape[-1]])), epsilon: epsilon)
  }
}
