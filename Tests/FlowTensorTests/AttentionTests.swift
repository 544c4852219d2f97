// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Glibc
import Testing

/// A mask, and what it means pair by pair.
struct MaskExample: Sendable, CustomTestStringConvertible {
  let name: String
  let mask: AttentionMask
  let queries: Int
  let keys: Int
  let sees: @Sendable (_ query: Int, _ key: Int) -> Bool

  var testDescription: String { "\(name), \(queries) queries, \(keys) keys" }

  static func none(_ queries: Int, _ keys: Int) -> MaskExample {
    MaskExample(name: "no mask", mask: .none, queries: queries, keys: keys) { _, _ in true }
  }

  static func causal(_ tokens: Int) -> MaskExample {
    MaskExample(name: "causal", mask: .causal, queries: tokens, keys: tokens) { $1 <= $0 }
  }

  static func frames(_ frames: Int, of tokens: Int, window: Int = .max, sink: Int = 0) -> MaskExample {
    MaskExample(
      name: "\(frames) frames of \(tokens), window \(window), sink \(sink)",
      mask: .blockCausal(tokensPerFrame: tokens, window: window, sink: sink), queries: frames * tokens,
      keys: frames * tokens
    ) { query, key in
      let (query, key) = (query / tokens, key / tokens)
      return key <= query && (query - key < window || key < sink)
    }
  }

  static func explicit(
    _ name: String, _ queries: Int, _ keys: Int, sees: @escaping @Sendable (Int, Int) -> Bool
  ) -> MaskExample {
    let visible = (0..<queries * keys).map { sees($0 / keys, $0 % keys) }
    return MaskExample(
      name: name, mask: .explicit(visible, queries: queries, keys: keys), queries: queries, keys: keys,
      sees: sees)
  }

  static let all = [
    none(1, 1), none(3, 17), none(17, 15), none(200, 5), none(12, 190), none(64, 64), none(65, 130),
    causal(1), causal(15), causal(17), causal(150),
    frames(5, of: 3, window: 1), frames(7, of: 2, window: 3), frames(7, of: 2, window: 3, sink: 1),
    frames(9, of: 2, window: 2, sink: 4), frames(4, of: 5, window: 9, sink: 2), frames(11, of: 12),
    frames(13, of: 17, window: 3, sink: 1), frames(2, of: 80),
    explicit("scattered", 17, 15) { ($0 * 7 + $1 * 5) % 3 != 0 },
    explicit("scattered", 70, 150) { ($0 * 7 + $1 * 5) % 11 < 4 },
    explicit("two blocks on the diagonal", 140, 140) { $0 / 70 == $1 / 70 },
    explicit("queries that see nothing", 15, 17) { query, _ in query % 3 == 0 },
    explicit("nothing", 2, 3) { _, _ in false },
  ]
}

@Suite("Attention")
struct AttentionTests {
  /// Queries, keys and values: more than one head, and a width that no vector divides where it is odd.
  static func operands(_ example: MaskExample, width: Int) -> (Tensor, Tensor, Tensor) {
    var random = Random(key: 8)
    let batch = example.queries < 20 ? 2 : 1
    let query: Shape = [batch, example.queries, 2, width], key: Shape = [batch, example.keys, 2, width]
    return (random.normal(query), random.normal(key), random.normal(key))
  }

  /// softmax(q·kᵀ/√width)·v over the keys that a query sees, and the logarithms of the sums, in double precision.
  static func definition(_ q: Tensor, _ k: Tensor, _ v: Tensor, sees: (Int, Int) -> Bool)
    -> (values: [Double], logSums: [Double])
  {
    let (queries, keys, heads, width) = (q.shape[1], k.shape[1], q.shape[2], q.shape[3])
    let (qs, ks, vs) = (q.doubles, k.doubles, v.doubles)
    var values = [Double](repeating: 0, count: qs.count)
    var logSums = [Double](repeating: 0, count: q.shape[0] * heads * queries)
    for index in indices(of: [q.shape[0], heads, queries]) {
      let (b, h, i) = (index[0], index[1], index[2])
      let seen = (0..<keys).filter { sees(i, $0) }, row = ((b * queries + i) * heads + h) * width
      let rows = seen.map { ((b * keys + $0) * heads + h) * width }
      let scores = rows.map { key in
        (0..<width).reduce(0) { $0 + qs[row + $1] * ks[key + $1] } / sqrt(Double(width))
      }
      let most = scores.max() ?? 0, weights = scores.map { exp($0 - most) }
      let sum = weights.reduce(0, +)
      for (key, weight) in zip(rows, weights) {
        for c in 0..<width { values[row + c] += weight / sum * vs[key + c] }
      }
      logSums[(b * heads + h) * queries + i] = seen.isEmpty ? 0 : most + log(sum)
    }
    return (values, logSums)
  }

  @Test("it is the plain definition", arguments: MaskExample.all)
  func definition(example: MaskExample) {
    for width in [1, 4, 17] where width == 4 || example.queries < 20 {
      let (q, k, v) = Self.operands(example, width: width)
      let found = Tensor.attention(q, k, v, mask: example.mask)
      let wanted = Self.definition(q, k, v, sees: example.sees)
      expectClose(found.values, wanted.values, tolerance: 1e-5, "width \(width)")
      expectClose(found.logSums, wanted.logSums, tolerance: 1e-5, "width \(width), logarithms of sums")
    }
  }

  @Test("a wide head is the plain definition", arguments: [31, 32, 48, 64, 80, 144])
  func wide(width: Int) {
    let example = MaskExample.none(5, 18)
    let (q, k, v) = Self.operands(example, width: width)
    expectClose(
      Tensor.attention(q, k, v, mask: .none).values, Self.definition(q, k, v, sees: example.sees).values,
      tolerance: 1e-5)
  }

  @Test("nothing that is hidden from a frame reaches it, to the bit")
  func hidden() {
    let example = MaskExample.frames(8, of: 3, window: 3, sink: 1)
    var random = Random(key: 10)
    let shape: Shape = [1, 24, 1, 4]
    let (q, k, v) = (random.normal(shape), random.normal(shape), random.normal(shape))
    let before = Tensor.attention(q, k, v, mask: example.mask).values.elements
    // Frame 2 has left the window of frames 5, 6, 7, and frames 0, 1 are before it.
    let poison = Tensor((0..<96).map { (24..<36).contains($0) ? 1e6 : 0 }, shape: shape)
    let after = Tensor.attention(q, k, Tensor.combine(.add, v, poison), mask: example.mask).values.elements
    let frames = (0..<8).map { frame in (frame * 12..<frame * 12 + 12).allSatisfy { before[$0] == after[$0] }
    }
    #expect(frames == [true, true, false, false, false, true, true, true])
  }

  @Test("scores of hundreds neither overflow nor vanish")
  func large() {
    let example = MaskExample.causal(70)
    let (q, k, v) = Self.operands(example, width: 4)
    let large = q.affine(scale: 300)
    let found = Tensor.attention(large, k, v, mask: .causal)
    expectClose(found.values, Self.definition(large, k, v, sees: example.sees).values, tolerance: 2e-3)
    #expect(found.logSums.isFinite)
  }

  @Test("a query that sees no key attends to zero, and gives and takes no derivative")
  func blind() {
    let example = MaskExample.explicit("every third query", 15, 17) { query, _ in query % 3 == 0 }
    let (q, k, v) = Self.operands(example, width: 4)
    let tangents = AttentionTangents(q: q, k: k, v: v)
    let output = Tensor.attention(q, k, v, mask: example.mask)
    let tangent = Tensor.attentionTangent(q, k, v, output, tangents: tangents, mask: example.mask)
    let gradient = Tensor.attentionGradient(q, k, v, output, cotangent: q, mask: example.mask)
    let hessian = Tensor.attentionHessian(
      q, k, v, output, cotangent: q, tangents: tangents, outputTangent: tangent, mask: example.mask)
    for byQuery in [output.values, tangent.values, gradient.q, hessian.q] {
      let rows = byQuery.permuted([1, 0, 2, 3])
      for query in 0..<15 {
        #expect(rows.rows(query..<query + 1).elements.allSatisfy { ($0 == 0) == (query % 3 != 0) })
      }
    }
    for byKey in [gradient.k, gradient.v, hessian.k, hessian.v] {
      #expect(byKey.isFinite && byKey.elements.allSatisfy { $0 != 0 })
    }
  }

  @Test("no queries give nothing, and keys no gradient")
  func empty() {
    let q = Tensor.zeros([2, 0, 3, 4]), k = Tensor(repeating: 1, shape: [2, 5, 3, 4])
    let output = Tensor.attention(q, k, k, mask: .none)
    let gradient = Tensor.attentionGradient(q, k, k, output, cotangent: q, mask: .none)
    #expect(output.values.count == 0 && gradient.q.count == 0)
    #expect((gradient.k.elements + gradient.v.elements).allSatisfy { $0 == 0 })
  }

  @Test("what is not a number stays none")
  func notANumber() {
    let x = Tensor(repeating: .nan, shape: [1, 3, 1, 4]), one = Tensor(repeating: 1, shape: [1, 3, 1, 4])
    for (q, k, v) in [(x, one, one), (one, x, one), (one, one, x)] {
      #expect(Tensor.attention(q, k, v, mask: .none).values.elements.allSatisfy { $0.isNaN })
    }
  }
}
