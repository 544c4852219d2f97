// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// C = A·B over the last two axes, either operand read transposed; leading axes are a batch.
struct Matmul: Primitive {
  let transposeA: Bool
  let transposeB: Bool
  /// The precision of this product and of those in its derivatives; nil for the task's when each is taken.
  let precision: MatmulPrecision?

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    MatmulPrecision.$current.withValue(precision ?? .current) {
      [Tensor.matmul(inputs[0], inputs[1], transposeA: transposeA, transposeB: transposeB)]
    }
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
      ? matmul(b, d, transposeA: transposeB, transposeB: true, precision: precision)
      : matmul(d, b, transposeB: !transposeB, precision: precision)
  }

  /// dB = Aᵀ·D, or its transpose Dᵀ·A.
  private func right(_ a: Variable, _ d: Variable) -> Variable {
    transposeB
      ? matmul(d, a, transposeA: true, transposeB: transposeA, precision: precision)
      : matmul(a, d, transposeA: !transposeA, precision: precision)
  }
}

/// The matrix product over the last two axes, either operand read transposed; leading axes are a batch.
///
/// A right operand of two axes is the same for the whole batch. Without a `precision` this product and those in its
/// derivatives are of the precision that is the task's when they are taken.
public func matmul(
  _ a: Variable, _ b: Variable, transposeA: Bool = false, transposeB: Bool = false,
  precision: MatmulPrecision? = nil
) -> Variable {
  let primitive = Matmul(transposeA: transposeA, transposeB: transposeB, precision: precision)
  guard a.shape.rank > 2, b.shape.rank == 2 else { return apply(primitive, a, b) }
  // All rows of the batch are the rows of one product.
  let rows = transposeA ? a.transposed : a
  let inner = rows.shape[-1], columns = transposeB ? b.shape[0] : b.shape[1]
  let count = rows.shape.extents.dropLast().reduce(1, *)
  return matmul(rows.reshaped([count, inner]), b, transposeB: transposeB, precision: precision)
    .reshaped(rows.shape.replacing(-1, with: columns))
}

extension Variable {
  /// The last two axes exchanged.
  public var transposed: Variable {
    let rank = shape.rank
    precondition(rank >= 2, "transposed: shape \(shape) has fewer than two axes")
    return permuted(Array(0..<rank - 2) + [rank - 1, rank - 2])
  }
}
