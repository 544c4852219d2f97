// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// C = A·B over the last two axes, either operand read transposed; leading axes are a batch.
struct Matmul: Primitive {
  let transposeA: Bool
  let transposeB: Bool

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.matmul(inputs[0], inputs[1], transposeA: transposeA, transposeB: transposeB)]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let a = inputs[0], b = inputs[1]
    return [total(tangents[0].map { apply(self, $0, b) }, tangents[1].map { apply(self, a, $0) })]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let a = inputs[0], b = inputs[1], d = cotangents[0]!
    return [needed[0] ? left(b, d) : nil, needed[1] ? right(a, d) : nil]
  }

  /// dA = D·Bᵀ, or its transpose B·Dᵀ.
  private func left(_ b: Variable, _ d: Variable) -> Variable {
    transposeA
      ? matmul(b, d, transposeA: transposeB, transposeB: true) : matmul(d, b, transposeB: !transposeB)
  }

  /// dB = Aᵀ·D, or its transpose Dᵀ·A.
  private func right(_ a: Variable, _ d: Variable) -> Variable {
    transposeB
      ? matmul(d, a, transposeA: true, transposeB: transposeA) : matmul(a, d, transposeA: !transposeA)
  }
}

/// The matrix product over the last two axes, either operand read transposed; leading axes are a batch.
public func matmul(_ a: Variable, _ b: Variable, transposeA: Bool = false, transposeB: Bool = false)
  -> Variable
{
  apply(Matmul(transposeA: transposeA, transposeB: transposeB), a, b)
}

/// y = x·Wᵀ + b with x [rows, input], W [output, input]; the bias is added while a block of y is in cache.
struct Linear: Primitive {
  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.matmul(inputs[0], inputs[1], transposeB: true, bias: inputs[2])]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let x = inputs[0], w = inputs[1]
    let product = total(
      tangents[0].map { matmul($0, w, transposeB: true) }, tangents[1].map { matmul(x, $0, transposeB: true) }
    )
    return [total(product, tangents[2])?.broadcast(to: outputs[0].shape)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let d = cotangents[0]!
    return [
      needed[0] ? matmul(d, inputs[1]) : nil,
      needed[1] ? matmul(d, inputs[0], transposeA: true) : nil,
      needed[2] ? d.sum(axis: 0) : nil,
    ]
  }
}

/// x·Wᵀ + b over the last axis of x [..., input], with W [output, input] and b [output].
public func linear(_ x: Variable, weight: Variable, bias: Variable) -> Variable {
  let input = x.shape[-1]
  let rows = x.reshaped([x.shape.count / max(input, 1), input])
  return apply(Linear(), rows, weight, bias).reshaped(x.shape.replacing(-1, with: weight.shape[0]))
}
