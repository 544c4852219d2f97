// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import FlowTensor

@Suite("The buffer pool")
struct MemoryTests {
  @Test("a freed block is given again, and the figures follow")
  func reuse() {
    let pool = BufferPool()
    let first = pool.take(1024), second = pool.take(1024)
    #expect(pool.statistics == (8192, 8192, 0))
    pool.give(first, 1024)
    #expect(pool.statistics == (4096, 8192, 4096))
    pool.resetPeak()
    #expect(pool.statistics == (4096, 4096, 4096))
    #expect(pool.take(1024) == first)
    #expect(pool.take(2048) != second)
    #expect(pool.statistics.peak == 16384)
  }

  @Test("what is unused goes back to the system on demand")
  func release() {
    let pool = BufferPool()
    let blocks = (0..<3).map { _ in pool.take(1024) }
    for block in blocks[1...] { pool.give(block, 1024) }
    pool.releaseUnused()
    #expect(pool.statistics == (4096, 12288, 0))
    pool.give(blocks[0], 1024)
    #expect(pool.take(1024) == blocks[0])
  }

  @Test("blocks of sizes that are wanted no more do not pile up")
  func bounded() {
    let pool = BufferPool()
    for size in 1...200 {
      let capacity = BufferPool.capacity(for: size * 1000)
      let blocks = [pool.take(capacity), pool.take(capacity)]
      let statistics = pool.statistics
      #expect(statistics.current + statistics.unused <= statistics.peak * 5 / 4)
      for block in blocks { pool.give(block, capacity) }
    }
    #expect(pool.statistics.current == 0)
  }

  @Test("large blocks are written and read like small ones")
  func huge() {
    let x = Tensor(repeating: 1, shape: [3 << 20])
    #expect(x.sum().item == Float(3 << 20) && UInt(bitPattern: x.pointer) % (1 << 21) == 0)
  }

  @Test(
    "a block is large enough, aligned, and wastes an eighth at most",
    arguments: [0, 1, 16, 17, 1000, 65_537, 1_000_003])
  func capacity(count: Int) {
    let capacity = BufferPool.capacity(for: count)
    #expect(capacity >= count && capacity % 16 == 0)
    #expect(Double(capacity) <= max(16, Double(count) * 1.125 + 16))
    #expect(UInt(bitPattern: BufferPool().take(capacity)) % 64 == 0)
  }

  @Test("tensors that live are counted, views are not")
  func counted() {
    let x = Tensor.zeros([1 << 20])
    #expect(TensorMemory.currentBytes >= 4 << 20 && TensorMemory.peakBytes >= TensorMemory.currentBytes)
    #expect(x.reshaped([1 << 10, 1 << 10]).storage === x.storage && x.rows(3..<9).storage === x.storage)
  }
}

@Suite("The libraries of matrix products")
struct GEMMTests {
  static let cases: [(Int, Int, Int, Bool, Bool)] = [
    (1, 1, 1, false, false), (17, 15, 33, false, true), (31, 64, 5, true, false), (40, 7, 16, true, true),
  ]

  @Test("oneDNN and OpenBLAS agree, with α, β and row strides", arguments: cases)
  func agreement(example: (Int, Int, Int, Bool, Bool)) {
    let (m, n, k, ta, tb) = example
    var random = Random(key: 31)
    let a = random.normal([ta ? k : m, (ta ? m : k) + 3]), b = random.normal([tb ? n : k, (tb ? k : n) + 2])
    let before = random.normal([m, n + 1])
    let results = GEMMLibrary.allCases.map { library in
      let c = before.copy()
      gemm(
        m, n, k, alpha: 0.5, Matrix(base: a.pointer, stride: a.shape[1], transposed: ta),
        Matrix(base: b.pointer, stride: b.shape[1], transposed: tb), beta: 2, into: c.storage.base,
        stride: n + 1,
        library: library)
      return c
    }
    let wanted = indices(of: before.shape).map { at -> Double in
      let (i, j) = (at[0], at[1])
      if j == n { return before.element(at) }
      return (0..<k).reduce(2 * before.element(at)) { sum, l in
        sum + 0.5 * a.element(ta ? [l, i] : [i, l]) * b.element(tb ? [j, l] : [l, j])
      }
    }
    for (library, result) in zip(GEMMLibrary.allCases, results) {
      expectClose(result, wanted, tolerance: 2e-5, "\(library)")
    }
  }
}
