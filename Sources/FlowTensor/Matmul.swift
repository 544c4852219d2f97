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
    precondition(a.rank == b.rank && a.rank >= 2, "matmul: left \(a) and right \(b) need the same rank, 2 or more")
    precondition(
      a.extents.dropLast(2) == b.extents.dropLast(2), "matmul: left \(a) and right \(b) disagree on the batch axes")
    (m, k) = transposeA ? (a[-1], a[-2]) : (a[-2], a[-1])
    n = transposeB ? b[-2] : b[-1]
    let inner = transposeB ? b[-1] : b[-2]
    precondition(k == inner, "matmul: left \(a) and right \(b) disagree on the inner axis (\(k) against \(inner))")
    batch = a.extents.dropLast(2).reduce(1, *)
    result = Shape(Array(a.extents.dropLast(2)) + [m, n])
  }
}

extension Tensor {
  /// The matrix product over the last two axes, either operand read transposed; leading axes are a batch.
  ///
  /// `bias`, a vector of the result's last extent, is added to each row while the row is in cache.
  public static func matmul(
    _ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false, bias: Tensor? = nil
  ) -> Tensor {
    let shape = MatmulShape(a.shape, b.shape, transposeA: transposeA, transposeB: transposeB)
    precondition(bias == nil || bias!.shape == [shape.n], "matmul: bias \(bias!.shape) for \(shape.n) columns")
    let (m, n, k) = (shape.m, shape.n, shape.k)
    // Blocks of about a quarter megabyte of results: they stay in cache for the bias.
    let grain = shape.batch > 1 ? m : max(24, min(m, 65_536 / max(n, 1)))
    let blocks = (m + grain - 1) / max(grain, 1)
    return Tensor(shape.result) { result in
      if k == 0 { result.initialize(repeating: 0, count: shape.result.count) }
      if shape.result.count == 0 || k == 0 { return }
      Team.run(shape.batch * blocks) { index in
        let (batch, block) = (index / blocks, index % blocks)
        let rows = block * grain..<min(m, (block + 1) * grain)
        let left = a.pointer + batch * m * k + rows.lowerBound * (transposeA ? 1 : k)
        let c = result + (batch * m + rows.lowerBound) * n
        gemm(
          rows.count, n, k, Matrix(base: left, stride: transposeA ? m : k, transposed: transposeA),
          Matrix(base: b.pointer + batch * n * k, stride: transposeB ? k : n, transposed: transposeB), into: c,
          stride: n)
        if let bias { flow_add_bias(rows.count, n, bias.pointer, c) }
      }
    }
  }
}
