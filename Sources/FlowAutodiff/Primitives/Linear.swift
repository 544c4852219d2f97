// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// y = x·Wᵀ + b with x [rows, input], W [output, input]; the bias is added while a block of y is in cache.
struct Linear: Primitive {
  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.matmul(inputs[0], inputs[1], transposeB: true, bias: inputs[2])]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [Self.tangent(inputs, tangents)?.broadcast(to: outputs[0].shape)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let d = cotangents[0]!
    return Self.cotangents(inputs, d, bias: needed[2] ? d.sum(axis: 0) : nil, needed)
  }

  /// dx·Wᵀ + x·dWᵀ + db; a lone db is one row.
  static func tangent(_ inputs: [Variable], _ tangents: [Variable?]) -> Variable? {
    let product = total(
      tangents[0].map { matmul($0, inputs[1], transposeB: true) },
      tangents[1].map { matmul(inputs[0], $0, transposeB: true) })
    return total(product, tangents[2])
  }

  /// D·W, Dᵀ·x and the given sum of D.
  static func cotangents(_ inputs: [Variable], _ d: Variable, bias: Variable?, _ needed: [Bool])
    -> [Variable?]
  {
    [
      needed[0] ? matmul(d, inputs[1]) : nil,
      needed[1] ? matmul(d, inputs[0], transposeA: true) : nil,
      bias,
    ]
  }
}

/// y = f(z) and z = x·Wᵀ + b in one pass; z is what the derivatives need, and not for the caller.
struct ActivatedLinear: Primitive {
  let activation: Activation

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let kept = Tensor.linearKeepingSum(
      inputs[0], weight: inputs[1], bias: inputs[2], activation: activation)
    return [kept.result, kept.sum]
  }

  /// dz = dx·Wᵀ + x·dWᵀ + db and dy = f′(z)∘dz.
  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let dz = Linear.tangent(inputs, tangents)!.broadcast(to: outputs[1].shape)
    return [combine(activation.gradient, dz, outputs[1]), dz]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    if let dy = cotangents[0], cotangents[1] == nil {
      let through = apply(ActivationGradient(activation: activation), to: [outputs[1], dy])
      return Linear.cotangents(inputs, through[0], bias: through[1], needed)
    }
    let dz = total(cotangents[0].map { combine(activation.gradient, $0, outputs[1]) }, cotangents[1])!
    return Linear.cotangents(inputs, dz, bias: dz.sum(axis: 0), needed)
  }

  /// The tangent of y alone, where nothing needs that of z.
  func resultTangent(_ inputs: [Variable], sum z: Variable, _ tangents: [Variable?]) -> Variable {
    if tangents[1] == nil, tangents[2] == nil, z.trace == nil, tangents[0]!.trace == nil,
      inputs[1].trace == nil
    {
      let (dx, weight) = (tangents[0]!.tensor, inputs[1].tensor)
      return Variable(Tensor.linearTangent(dx, weight: weight, sum: z.tensor, activation: activation))
    }
    let dz = Linear.tangent(inputs, tangents)!.broadcast(to: z.shape)
    return combine(activation.gradient, dz, z)
  }
}

/// dz = f′(z)∘dy and its sum over the rows: inputs z, dy.
struct ActivationGradient: Composed {
  let activation: Activation

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.activationGradient(inputs[0], cotangent: inputs[1], activation: activation)
    return [g.sum, g.bias]
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    let dz = combine(activation.gradient, inputs[1], inputs[0])
    return [dz, dz.sum(axis: 0)]
  }
}

/// f(x·Wᵀ + b) of constants: nothing is kept.
private struct ConstantLinear: Composed {
  let activation: Activation

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.linear(inputs[0], weight: inputs[1], bias: inputs[2], activation: activation)]
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    [apply(ActivatedLinear(activation: activation), to: inputs)[0]]
  }
}

extension Activation {
  /// (d, z) ↦ d·f′(z).
  fileprivate var gradient: BinaryFunction {
    switch self {
    case .silu: .siluGradient
    case .gelu: .geluGradient
    }
  }
}

/// f(x·Wᵀ + b) over the last axis of x [..., input], with W [output, input] and b [output]; without an activation,
/// x·Wᵀ + b.
///
/// Bias and activation are applied while a block of the product is in cache. Where a derivative is taken, x·Wᵀ + b is
/// kept beside the result.
public func linear(_ x: Variable, weight: Variable, bias: Variable, activation: Activation? = nil) -> Variable
{
  let count = x.shape.extents.dropLast().reduce(1, *)
  let inputs = [x.reshaped([count, x.shape[-1]]), weight, bias]
  let rows = activation.map { activated(inputs, $0) } ?? apply(Linear(), to: inputs)[0]
  return rows.reshaped(x.shape.replacing(-1, with: weight.shape[0]))
}

private func activated(_ inputs: [Variable], _ activation: Activation) -> Variable {
  let primitive = ActivatedLinear(activation: activation)
  switch innermost(inputs)?.role {
  case nil, .constant: return apply(ConstantLinear(activation: activation), to: inputs)[0]
  case .recorded: return apply(primitive, to: inputs)[0]
  case .dual:
    return applyDual(primitive, inputs) { primals, outputs, tangents in
      [primitive.resultTangent(primals, sum: outputs[1], tangents), nil]
    }[0]
  }
}
