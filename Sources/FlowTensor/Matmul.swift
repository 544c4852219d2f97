// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// The extents of a (batched) matrix product.
struct MatmulShape {
  let batch: Int
  let m: Int
  let n: Int
  let k: Int
  let result: Shape

  init(_ a: Shape, _ b: Shape, transposeA: Bool, transposeB: Bool) {
    precondition(
      a.rank == b.rank && a.rank >= 2, "matmul: left \(a) and right \(b) need the same rank, 2 or more")
    precondition(
      a.extents.dropLast(2) == b.extents.dropLast(2),
      "matmul: left \(a) and right \(b) disagree on the batch axes")
    (m, k) = transposeA ? (a[-1], a[-2]) : (a[-2], a[-1])
    n = transposeB ? b[-2] : b[-1]
    let inner = transposeB ? b[-1] : b[-2]
    precondition(
      k == inner, "matmul: left \(a) and right \(b) disagree on the inner axis (\(k) against \(inner))")
    batch = a.extents.dropLast(2).reduce(1, *)
    result = Shape(Array(a.extents.dropLast(2)) + [m, n])
  }
}

/// How the operands of matrix products are rounded; results and sums are float32 always.
///
/// bfloat16 means the same on every processor: one without instructions for it rounds the operands and multiplies
/// them in float32, which costs a pass over each operand more than float32 does.
public enum MatmulPrecision: String, Sendable, Codable {
  case float32, bfloat16

  /// The precision of products on this task: `MatmulPrecision.$current.withValue(.bfloat16) { … }`.
  @TaskLocal public static var current = MatmulPrecision.float32
}

extension Tensor {
  /// The matrix product over the last two axes, either operand read transposed; leading axes are a batch.
  ///
  /// `bias`, a vector of the result's last extent, is added to each row while the row is in cache.
  public static func matmul(
    _ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false, bias: Tensor? = nil
  ) -> Tensor {
    let shape = MatmulShape(a.shape, b.shape, transposeA: transposeA, transposeB: transposeB)
    precondition(
      bias == nil || bias!.shape == [shape.n], "matmul: bias \(bias!.shape) for \(shape.n) columns")
    return matmul(a, b, shape, transposeA: transposeA, transposeB: transposeB) { _, count, c in
      if let bias { flow_add_bias(count, shape.n, bias.pointer, c) }
    }
  }

  /// A product of which each block of rows is handed to `epilogue` while it is in cache: the first row, the number of
  /// rows, and where they are.
  static func matmul(
    _ a: Tensor, _ b: Tensor, _ shape: MatmulShape, transposeA: Bool, transposeB: Bool,
    epilogue: (_ first: Int, _ count: Int, _ c: UnsafeMutablePointer<Float>) -> Void
  ) -> Tensor {
    withoutActuallyEscaping(epilogue) { epilogue in
      let product = Product(shape: shape, transposeA: transposeA, transposeB: transposeB, epilogue: epilogue)
      return Tensor(shape.result) { result in
        if shape.result.count == 0 { return }
        if shape.k == 0 { return product.runEmpty(into: result) }
        switch MatmulPrecision.current {
        case .float32: product.run(a, b, into: result)
        case .bfloat16 where flow_has_bfloat16_products(): product.runBFloat16(a, b, into: result)
        case .bfloat16: product.run(a.roundedToBFloat16, b.roundedToBFloat16, into: result)
        }
      }
    }
  }
}
