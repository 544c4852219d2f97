// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// A matrix product split among the team: into blocks of rows of the result, and where those are few, into blocks of
/// columns or parts of the sum. The split depends on the extents alone, so results do not depend on the team.
struct Product {
  let shape: MatmulShape
  let transposeA: Bool
  let transposeB: Bool
  /// What is done to whole rows of the result while they are in cache: the first row, their number, where they are.
  let epilogue: (_ first: Int, _ count: Int, _ c: UnsafeMutablePointer<Float>) -> Void

  /// Rows of a block: its operands and results stay in the second-level cache, and the library reaches its rate.
  private static let blockRows = 128
  /// Fewer rows are not worth a task of their own.
  private static let leastRows = 32
  /// Terms of a sum that are taken at a time: a slice of both operands stays in cache.
  private static let sliceTerms = 512
  /// Multiplications in each of a batch of products up to which a plain loop is faster than the library.
  private static let smallTerms = 1024
  /// Tasks that keep a team busy to the end.
  private static let enoughTasks = 8

  /// The product in float32.
  func run(_ a: Tensor, _ b: Tensor, into result: UnsafeMutablePointer<Float>) {
    if shape.batch > 1 && shape.m * shape.n * shape.k <= Self.smallTerms {
      runSmall(a, b, into: result)
    } else if shape.batch == 1 && transposeA && shape.k >= 2 * Self.sliceTerms {
      runLongSum(a, b, into: result)
    } else if shape.batch == 1 && shape.m < 2 * Self.leastRows && shape.n >= 4 * Self.blockRows {
      runColumns(a, b, into: result)
    } else if shape.batch == 1 && transposeB && shape.m >= 2 * Self.leastRows {
      // The library is slower by a tenth where it reads the right operand transposed.
      let b = transposedCopy(b, rows: shape.n, columns: shape.k)
      runRows(a, Matrix(base: b.base, stride: shape.n), into: result)
      withExtendedLifetime(b) {}
    } else {
      runRows(a, Matrix(base: b.pointer, stride: strideB, transposed: transposeB), into: result)
    }
  }

  /// Many products so small that the library would take longer to look at the operands.
  private func runSmall(_ a: Tensor, _ b: Tensor, into result: UnsafeMutablePointer<Float>) {
    let (m, n, k) = (shape.m, shape.n, shape.k)
    Team.split(shape.batch, grain: max(1, elementGrain / (m * n * k))) { range in
      let first = range.lowerBound
      flow_small_products(
        range.count, m, n, k, a.pointer + first * m * k, transposeA, b.pointer + first * k * n, transposeB,
        result + first * m * n)
      for matrix in range { epilogue(matrix * m, m, result + matrix * m * n) }
    }
  }

  /// A product over no terms: nothing but the epilogue.
  func runEmpty(into result: UnsafeMutablePointer<Float>) {
    forEachRowBlock(into: result) { _, rows, c in c.initialize(repeating: 0, count: rows.count * shape.n) }
  }

  /// The product of operands rounded to bfloat16, by instructions for it.
  func runBFloat16(_ a: Tensor, _ b: Tensor, into result: UnsafeMutablePointer<Float>) {
    let left = HalfStorage(rounding: a), right = HalfStorage(rounding: b)
    forEachRowBlock(into: result) { batch, rows, c in
      useOneThreadInOneDNN()
      let done = flow_gemm_bfloat16(
        rows.count, shape.n, shape.k, left.base + startA(batch, rows), strideA, transposeA,
        right.base + batch * shape.n * shape.k, strideB, transposeB, c, shape.n)
      precondition(done, "matmul: oneDNN has no bfloat16 product \(rows.count)×\(shape.n)×\(shape.k)")
    }
    withExtendedLifetime((left, right)) {}
  }

  private var strideA: Int { transposeA ? shape.m : shape.k }
  private var strideB: Int { transposeB ? shape.k : shape.n }

  private func startA(_ batch: Int, _ rows: Range<Int>) -> Int {
    batch * shape.m * shape.k + rows.lowerBound * (transposeA ? 1 : shape.k)
  }

  private func left(_ a: Tensor, _ batch: Int, _ rows: Range<Int>) -> Matrix {
    Matrix(base: a.pointer + startA(batch, rows), stride: strideA, transposed: transposeA)
  }

  private func forEachRowBlock(
    into result: UnsafeMutablePointer<Float>,
    _ body: (_ batch: Int, _ rows: Range<Int>, _ c: UnsafeMutablePointer<Float>) -> Void
  ) {
    let (m, n) = (shape.m, shape.n)
    let few = shape.batch > 1 ? 1 : min(Self.enoughTasks / 2, m / Self.leastRows)
    let split = Split(m, parts: max(Split.parts(of: m, most: Self.blockRows), few))
    Team.run(shape.batch * split.count) { index in
      let (batch, block) = (index / split.count, index % split.count)
      let rows = split[block]
      let c = result + (batch * m + rows.lowerBound) * n
      body(batch, rows, c)
      epilogue(batch * m + rows.lowerBound, rows.count, c)
    }
  }

  private func runRows(_ a: Tensor, _ b: Matrix, into result: UnsafeMutablePointer<Float>) {
    forEachRowBlock(into: result) { batch, rows, c in
      var right = b
      right.base += batch * shape.n * shape.k
      gemm(rows.count, shape.n, shape.k, left(a, batch, rows), right, into: c, stride: shape.n)
    }
  }

  /// Few rows of many columns.
  private func runColumns(_ a: Tensor, _ b: Tensor, into result: UnsafeMutablePointer<Float>) {
    let split = Split(shape.n, parts: min(Self.enoughTasks, Split.parts(of: shape.n, most: Self.blockRows)))
    Team.run(split.count) { block in
      let columns = split[block]
      let right = Matrix(
        base: b.pointer + columns.lowerBound * (transposeB ? shape.k : 1), stride: strideB,
        transposed: transposeB
      )
      gemm(
        shape.m, columns.count, shape.k, left(a, 0, 0..<shape.m), right, into: result + columns.lowerBound,
        stride: shape.n)
    }
    epilogue(0, shape.m, result)
  }

  /// Sums of many terms, as gradients of weights are: parts of the terms have partial sums of their own where the
  /// blocks of rows alone are too few.
  private func runLongSum(_ a: Tensor, _ b: Tensor, into result: UnsafeMutablePointer<Float>) {
    let (m, n, k) = (shape.m, shape.n, shape.k)
    let blocks = Split(m, parts: Split.parts(of: m, most: Self.blockRows))
    let parts = Split(
      k,
      parts: min(
        Split.parts(of: Self.enoughTasks, most: blocks.count), Split.parts(of: k, most: Self.sliceTerms)))
    let partial = Storage(count: (parts.count - 1) * m * n)
    Team.run(blocks.count * parts.count) { index in
      let (block, part) = (index / parts.count, index % parts.count)
      let rows = blocks[block]
      let c = (part == 0 ? result : partial.base + (part - 1) * m * n) + rows.lowerBound * n
      let terms = parts[part]
      let slices = Split(terms.count, parts: Split.parts(of: terms.count, most: Self.sliceTerms))
      for slice in 0..<slices.count {
        let first = terms.lowerBound + slices[slice].lowerBound
        var left = left(a, 0, rows)
        left.base += first * m
        let right = Matrix(
          base: b.pointer + first * (transposeB ? 1 : n), stride: strideB, transposed: transposeB)
        gemm(
          rows.count, n, slices[slice].count, left, right, beta: slice == 0 ? 0 : 1, into: c, stride: n)
      }
      if parts.count == 1 { epilogue(rows.lowerBound, rows.count, c) }
    }
    if parts.count > 1 { collect(partial.base, parts.count - 1, into: result) }
    withExtendedLifetime(partial) {}
  }

  private func collect(
    _ partial: UnsafePointer<Float>, _ parts: Int, into result: UnsafeMutablePointer<Float>
  ) {
    let (m, n) = (shape.m, shape.n)
    Team.split(m, grain: max(1, elementGrain / max(n, 1))) { rows in
      let first = rows.lowerBound * n
      for part in 0..<parts {
        flow_accumulate(rows.count * n, partial + part * m * n + first, result + first)
      }
      epilogue(rows.lowerBound, rows.count, result + first)
    }
  }
}

/// The elements of a tensor rounded to bfloat16, in pooled memory.
private final class HalfStorage {
  private let storage: Storage
  var base: UnsafeMutablePointer<UInt16> {
    UnsafeMutableRawPointer(storage.base).assumingMemoryBound(to: UInt16.self)
  }

  init(rounding tensor: Tensor) {
    storage = Storage(count: (tensor.count + 1) / 2)
    Team.split(tensor.count, grain: 4 * elementGrain) { range in
      flow_to_bfloat16(range.count, tensor.pointer + range.lowerBound, base + range.lowerBound)
    }
  }
}
