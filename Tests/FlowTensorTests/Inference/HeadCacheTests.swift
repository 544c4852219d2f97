// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Testing

/// Attention of q [queries, heads, width] over a cache that k and v [keys, heads, width] were written to.
func cachedAttention(_ q: Tensor, _ k: Tensor, _ v: Tensor, _ precision: InferencePrecision) -> Tensor {
  let keys = k.shape[0], heads = k.shape[1], width = k.shape[2], stride = heads * width
  let caches = HeadCaches(layers: 2, heads: heads, width: width, tokens: keys, precision: precision)
  // In two parts of any length, as frames of any number of tokens come.
  for part in [0..<keys / 3, keys / 3..<keys] where !part.isEmpty {
    caches.write(
      layer: 1, token: part.lowerBound, rows: part.count, keys: k.rows(part).pointer, keyStride: stride,
      values: v.rows(part).pointer, valueStride: stride)
  }
  return Tensor(q.shape) { output in
    for head in 0..<heads {
      for first in Swift.stride(from: 0, to: q.shape[0], by: HeadCaches.mostQueries) {
        caches.attend(
          layer: 1, head: head, visible: keys, rows: min(HeadCaches.mostQueries, q.shape[0] - first),
          queries: q.pointer + first * stride, queryStride: stride, into: output + first * stride,
          outputStride: stride)
      }
    }
  }
}

@Suite("Attention over a cache")
struct HeadCacheTests {
  /// Queries, keys, heads, width: around the blocks of 16 and 32 queries, 64 keys and 8 channels.
  static let shapes = [(1, 1, 1, 8), (5, 3, 2, 6), (16, 64, 1, 16), (17, 65, 2, 20), (40, 130, 1, 128)]
  static let bounds: [(InferencePrecision, Double)] = [(.float32, 1e-5), (.bfloat16, 2e-2), (.int8, 4e-2)]

  @Test("agrees with attention over tensors", arguments: shapes, bounds)
  func agreement(shape: (Int, Int, Int, Int), bound: (InferencePrecision, Double)) {
    let (queries, keys, heads, width) = shape
    var random = Random(key: 6)
    let q = random.normal([queries, heads, width]), k = random.normal([keys, heads, width])
    let v = random.normal([keys, heads, width])
    let batched = { (x: Tensor) in x.reshaped(Shape([1] + x.shape.extents)) }
    let wanted = Tensor.attention(batched(q), batched(k), batched(v), mask: .none).values.reshaped(q.shape)
    #expect(relativeDistance(cachedAttention(q, k, v, bound.0), wanted) < bound.1)
  }

  @Test("scores of any size leave the weights finite", arguments: InferencePrecision.allCases)
  func extremes(precision: InferencePrecision) {
    var random = Random(key: 7)
    let q = random.normal([4, 1, 16]), k = random.normal([70, 1, 16]), v = random.normal([70, 1, 16])
    for scale: Float in [0, 1e-20, 1e3, 1e15] {
      let found = cachedAttention(q.affine(scale: scale), k, v, precision)
      #expect(found.isFinite, "scale \(scale)")
    }
    // One key far above the others: its value alone.
    let peaked = cachedAttention(k.rows(3..<4).affine(scale: 1e4), k, v, precision)
    let winner = k.rows(3..<4)
    let best = (0..<70).max { dot(k, $0, winner) < dot(k, $1, winner) }!
    #expect(relativeDistance(peaked, v.rows(best..<best + 1)) < 1e-2)
  }

  @Test(
    "a number that is not finite is not lost", arguments: InferencePrecision.allCases, [Float.nan, .infinity])
  func poison(precision: InferencePrecision, value: Float) {
    var random = Random(key: 8)
    let shape: Shape = [70, 1, 40]
    for place in 0..<3 {
      var parts = [random.normal(shape), random.normal(shape), random.normal(shape)]
      var elements = parts[place].elements
      elements[2 * 40 + 33] = value
      parts[place] = Tensor(elements, shape: shape)
      let found = cachedAttention(parts[0].rows(0..<5), parts[1], parts[2], precision)
      #expect(!found.isFinite, "in \(["q", "k", "v"][place])")
    }
  }

  private func dot(_ k: Tensor, _ row: Int, _ x: Tensor) -> Float {
    Tensor.combine(.multiply, k.rows(row..<row + 1), x).sum().item
  }
}
