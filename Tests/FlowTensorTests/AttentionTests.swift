// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Glibc
import Testing

@Suite("Attention")
struct AttentionTests {
  struct Example: Sendable, CustomTestStringConvertible {
    let frames: Int
    let tokens: Int
    let window: Int
    let sink: Int
    var testDescription: String { "\(frames) frames of \(tokens), window \(window), sink \(sink)" }
    var mask: AttentionMask { .blockCausal(tokensPerFrame: tokens, window: window, sink: sink) }

    /// The mask as it is described: no frame after one's own; the window, and the sink.
    func sees(query: Int, key: Int) -> Bool {
      let (query, key) = (query / tokens, key / tokens)
      return key <= query && (key > query - window || key < sink)
    }
  }

  static let examples = [
    Example(frames: 1, tokens: 1, window: 1, sink: 0), Example(frames: 5, tokens: 3, window: 1, sink: 0),
    Example(frames: 7, tokens: 2, window: 3, sink: 0), Example(frames: 7, tokens: 2, window: 3, sink: 1),
    Example(frames: 9, tokens: 2, window: 2, sink: 4), Example(frames: 4, tokens: 5, window: 9, sink: 2),
    // More queries than are handled at a time.
    Example(frames: 13, tokens: 17, window: 3, sink: 1),
  ]

  /// softmax(q·kᵀ/√width)·v over the keys that `sees` admits, in double precision.
  static func definition(_ q: Tensor, _ k: Tensor, _ v: Tensor, sees: (Int, Int) -> Bool) -> [Double] {
    let (heads, width) = (q.shape[2], q.shape[3])
    return indices(of: [q.shape[0], q.shape[1], heads]).flatMap { index -> [Double] in
      let (b, i, h) = (index[0], index[1], index[2])
      let keys = (0..<k.shape[1]).filter { sees(i, $0) }
      let weights = keys.map { j in
        exp(
          (0..<width).reduce(0) { $0 + q.element([b, i, h, $1]) * k.element([b, j, h, $1]) }
            / sqrt(Double(width)))
      }
      let sum = weights.reduce(0, +)
      return (0..<width).map { c in
        zip(keys, weights).reduce(0) { $0 + $1.1 / sum * v.element([b, $1.0, h, c]) }
      }
    }
  }

  @Test("with a causal window and a sink it is the plain definition", arguments: examples)
  func causal(example: Example) {
    var random = Random(key: 8)
    let shape: Shape = [example.tokens < 10 ? 2 : 1, example.frames * example.tokens, 2, 4]
    let (q, k, v) = (random.normal(shape), random.normal(shape), random.normal(shape))
    expectClose(
      Tensor.attention(q, k, v, mask: example.mask), Self.definition(q, k, v, sees: example.sees),
      tolerance: 2e-5)
  }

  @Test("without a mask every query sees every key", arguments: [(1, 1), (3, 17), (200, 5)])
  func full(lengths: (Int, Int)) {
    var random = Random(key: 9)
    let q = random.normal([2, lengths.0, 3, 2])
    let k = random.normal([2, lengths.1, 3, 2]), v = random.normal([2, lengths.1, 3, 2])
    expectClose(
      Tensor.attention(q, k, v, mask: .none), Self.definition(q, k, v) { _, _ in true }, tolerance: 2e-5)
  }

  @Test("nothing that is hidden from a frame reaches it, to the bit")
  func hidden() {
    var random = Random(key: 10)
    let example = Example(frames: 8, tokens: 3, window: 3, sink: 1)
    let shape: Shape = [1, 24, 1, 4]
    let (q, k, v) = (random.normal(shape), random.normal(shape), random.normal(shape))
    let before = Tensor.attention(q, k, v, mask: example.mask).elements
    // Frame 2 has left the window of frames 5, 6, 7, and frames 0, 1 are before it.
    let poison = Tensor((0..<96).map { (24..<36).contains($0) ? 1e6 : 0 }, shape: shape)
    let after = Tensor.attention(q, k, Tensor.combine(.add, v, poison), mask: example.mask).elements
    let frames = (0..<8).map { frame in (frame * 12..<frame * 12 + 12).allSatisfy { before[$0] == after[$0] }
    }
    #expect(frames == [true, true, false, false, false, true, true, true])
  }

  @Test("large scores do not overflow the softmax", arguments: awkwardLengths)
  func softmax(length: Int) {
    var random = Random(key: 11)
    let x = random.normal([3, length]).affine(scale: 300, shift: 1000)
    let values = x.doubles
    let wanted = (0..<3).flatMap { row -> [Double] in
      let row = Array(values[row * length..<(row + 1) * length])
      let weights = row.map { exp($0 - (row.max() ?? 0)) }
      return weights.map { $0 / weights.reduce(0, +) }
    }
    expectClose(x.softmax(), wanted, tolerance: 1e-5)
  }

  @Test("the rotary embedding multiplies pairs by unit complex numbers, and back")
  func rotary() {
    var random = Random(key: 12)
    let x = random.normal([2, 3, 2, 6]), angles = random.normal([3, 3])
    let (cosine, sine) = (angles.map(.cosine), angles.map(.sine))
    let wanted = indices(of: x.shape).map { index -> Double in
      let (c, pair) = (index[3] % 2, index[3] / 2)
      let first = x.element([index[0], index[1], index[2], 2 * pair])
      let second = x.element([index[0], index[1], index[2], 2 * pair + 1])
      let angle = angles.element([index[1], pair])
      return c == 0 ? first * cos(angle) - second * sin(angle) : first * sin(angle) + second * cos(angle)
    }
    let y = Tensor.rotary(x, cosine: cosine, sine: sine)
    expectClose(y, wanted, tolerance: 1e-6)
    expectClose(Tensor.rotary(y, cosine: cosine, sine: sine, inverse: true), x.doubles, tolerance: 1e-6)
  }
}
