// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowTensor
import Testing

/// Attention under a mask, beside the same in primitives.
struct AttentionExample: Sendable, CustomTestStringConvertible {
  let name: String
  let mask: AttentionMask
  let queries: Int
  let keys: Int
  var width = 5
  let sees: @Sendable (_ query: Int, _ key: Int) -> Bool

  var testDescription: String { "\(name), \(queries) queries, \(keys) keys, width \(width)" }

  static func frames(_ name: String, _ frames: Int, of tokens: Int, window: Int = .max, sink: Int = 0) -> Self
  {
    AttentionExample(
      name: name, mask: .blockCausal(tokensPerFrame: tokens, window: window, sink: sink),
      queries: frames * tokens, keys: frames * tokens
    ) { query, key in
      let (query, key) = (query / tokens, key / tokens)
      return key <= query && (query - key < window || key < sink)
    }
  }

  static func explicit(_ queries: Int, _ keys: Int, sees: @escaping @Sendable (Int, Int) -> Bool) -> Self {
    let visible = (0..<queries * keys).map { sees($0 / keys, $0 % keys) }
    return AttentionExample(
      name: "explicit mask", mask: .explicit(visible, queries: queries, keys: keys), queries: queries,
      keys: keys, sees: sees)
  }

  static let all = [
    AttentionExample(name: "no mask", mask: .none, queries: 1, keys: 1) { _, _ in true },
    AttentionExample(name: "no mask", mask: .none, queries: 15, keys: 17, width: 16) { _, _ in true },
    AttentionExample(name: "no mask", mask: .none, queries: 49, keys: 49, width: 32) { _, _ in true },
    AttentionExample(name: "no mask", mask: .none, queries: 70, keys: 130) { _, _ in true },
    AttentionExample(name: "causal", mask: .causal, queries: 17, keys: 17) { $1 <= $0 },
    frames("block-causal", 12, of: 11), frames("window", 15, of: 5, window: 4),
    frames("window and sink", 16, of: 12, window: 5, sink: 1),
    explicit(17, 15) { ($0 * 7 + $1 * 5) % 3 != 0 },
    explicit(66, 140) { query, key in query != 3 && (query + key) % 40 < 9 },
  ]

  func fused(_ x: [Variable]) -> Variable { attention(x[0], x[1], x[2], mask: mask) }

  /// softmax(q·kᵀ/√width) over what is visible, then times v; hidden weights are cleared, and with them the rows of
  /// queries that see nothing.
  func composed(_ x: [Variable]) -> Variable {
    let visible = Tensor(
      (0..<queries * keys).map { sees($0 / keys, $0 % keys) ? 1 : 0 }, shape: [queries, keys])
    let heads = x.map { $0.permuted([0, 2, 1, 3]) }
    let scores = matmul((1 / Float(width).squareRoot()) * heads[0], heads[1], transposeB: true)
    let weights = (scores + Variable(visible.affine(scale: 1e9, shift: -1e9))).softmax() * Variable(visible)
    return matmul(weights, heads[2]).permuted([0, 2, 1, 3])
  }

  /// Queries, keys, values, a weight of the output, and a direction for each of the first three.
  func arguments() -> (at: [Variable], weight: Variable, direction: [Variable]) {
    var random = Random(key: 17)
    let query: Shape = [2, queries, 2, width], key: Shape = [2, keys, 2, width]
    let next = [query, key, key, query, query, key, key].map { Variable(random.normal($0)) }
    return (Array(next[..<3]), next[3], Array(next[4...]))
  }
}

@Suite("Attention")
struct AttentionTests {
  /// A function of what is attended with, for attention and for its composition.
  typealias Derived = ([Variable], (([Variable]) -> Variable)) -> [Variable]

  /// Whether both give the same, to 1e-5 of the largest element of what belongs together; of 0.1 where all are
  /// smaller, since zeros here are differences of numbers about 1.
  private func expectAgreement(
    _ example: AttentionExample, at arguments: [Variable], sourceLocation: SourceLocation = #_sourceLocation,
    _ derived: Derived
  ) {
    let found = derived(arguments, example.fused).map(\.tensor)
    let wanted = derived(arguments, example.composed).map(\.tensor)
    let largest = wanted.flatMap(\.elements).map(abs).reduce(0.1, max)
    for (index, (found, wanted)) in zip(found, wanted).enumerated() {
      let error = zip(found.elements, wanted.elements).map { abs($0 - $1) }.max() ?? 0
      #expect(
        found.isFinite && error <= 1e-5 * largest, "result \(index): \(error) of \(largest)",
        sourceLocation: sourceLocation)
    }
  }

  @Test("it agrees with its composition", arguments: AttentionExample.all)
  func value(example: AttentionExample) {
    expectAgreement(example, at: example.arguments().at) { [$1($0)] }
  }

  @Test("its gradient agrees with that of its composition", arguments: AttentionExample.all)
  func gradients(example: AttentionExample) {
    let (at, weight, _) = example.arguments()
    expectAgreement(example, at: at) { x, function in gradient(at: x) { (function($0) * weight).sum() } }
  }

  /// Which of queries, keys and values move.
  static let moving = [
    [true, true, true], [true, false, false], [false, true, false], [false, false, true],
    [true, false, true],
  ]

  private func directions(_ direction: [Variable]) -> [[Variable?]] {
    Self.moving.map { zip(direction, $0).map { $1 ? $0 : nil } }
  }

  @Test("its forward derivative agrees with that of its composition", arguments: AttentionExample.all)
  func forward(example: AttentionExample) {
    let (at, _, direction) = example.arguments()
    for along in directions(direction) {
      expectAgreement(example, at: at) { x, function in [jvp(at: x, along: along, of: function).tangent] }
    }
  }

  @Test(
    "the gradient of its forward derivative agrees, by points and directions", arguments: AttentionExample.all
  )
  func reverseOverForward(example: AttentionExample) {
    let (at, weight, direction) = example.arguments()
    for along in directions(direction) {
      expectAgreement(example, at: at + along.compactMap(\.self)) { x, function in
        gradient(at: x) { x in
          var rest = x[3...].makeIterator()
          let along = along.map { $0.flatMap { _ in rest.next() } }
          return (jvp(at: Array(x[..<3]), along: along, of: function).tangent * weight).sum()
        }
      }
    }
  }

  @Test("its Hessian products agree, by forward over reverse", arguments: AttentionExample.all)
  func forwardOverReverse(example: AttentionExample) {
    let (at, weight, direction) = example.arguments()
    for along in directions(direction) {
      expectAgreement(example, at: at) { x, function in
        hessianVectorProduct(at: x, along: along) { (function($0) * weight).sum() }.product
      }
      // The weight moves too: the cotangent of attention has a tangent.
      expectAgreement(example, at: at + [weight]) { x, function in
        hessianVectorProduct(at: x, along: along + [weight]) { (function($0) * $0[3] * $0[3]).sum() }.product
      }
    }
  }

  @Test("its Hessian products agree, by reverse over reverse", arguments: AttentionExample.all)
  func reverseOverReverse(example: AttentionExample) {
    let (at, weight, direction) = example.arguments()
    for along in directions(direction) {
      expectAgreement(example, at: at + [weight]) { x, function in
        gradient(at: x) { x in
          let inner = gradient(at: Array(x[..<3])) { (function($0) * x[3]).sum() }
          return zip(inner, along).compactMap { g, d in d.map { (g * $0).sum() } }.reduce(Variable(0), +)
        }
      }
    }
  }

  @Test("derivatives of third order agree", arguments: AttentionExample.all.filter { $0.queries < 20 })
  func third(example: AttentionExample) {
    let (at, weight, direction) = example.arguments()
    let turned = [direction[0], direction[2], direction[1]]
    expectAgreement(example, at: at) { x, function in
      [
        jvp(at: x, along: direction) {
          jvp(at: $0, along: turned) { jvp(at: $0, along: direction, of: function).tangent }.tangent
        }.tangent
      ]
    }
    expectAgreement(example, at: at) { x, function in
      gradient(at: x) { x in
        let product = hessianVectorProduct(at: x, along: direction) { (function($0) * weight).sum() }.product
        return zip(product, turned).map { ($0 * $1).sum() }.reduce(Variable(0), +)
      }
    }
    expectAgreement(example, at: at) { x, function in
      hessianVectorProduct(at: x, along: direction) { x in
        (jvp(at: x, along: turned, of: function).tangent * weight).sum()
      }.product
    }
  }
}
