// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowTensor
import Testing

@Suite("Nested transformations")
struct NestingTests {
  /// The derivative of a function of one number, by one of the two transformations.
  enum Mode: CaseIterable {
    case forward, reverse

    func derivative(_ function: (Variable) -> Variable, at x: Variable) -> Variable {
      switch self {
      case .forward: jvp(at: [x], along: [Variable(1)]) { function($0[0]) }.tangent
      case .reverse: gradient(at: [x]) { function($0[0]) }[0]
      }
    }
  }

  static let pairs = Mode.allCases.flatMap { outer in Mode.allCases.map { (outer, $0) } }
  static let triples = pairs.flatMap { pair in Mode.allCases.map { (pair.0, pair.1, $0) } }

  @Test("x⁴ has the second derivative 12x², in all four nestings", arguments: pairs)
  func second(modes: (Mode, Mode)) {
    let found = modes.0.derivative(
      { modes.1.derivative({ $0 * $0 * $0 * $0 }, at: $0) }, at: Variable(3))
    #expect(found.tensor.item == 108)
  }

  @Test("x⁴ has the third derivative 24x, in all eight nestings", arguments: triples)
  func third(modes: (Mode, Mode, Mode)) {
    let found = modes.0.derivative(
      { x in
        modes.1.derivative({ modes.2.derivative({ $0 * $0 * $0 * $0 }, at: $0) }, at: x)
      }, at: Variable(2))
    #expect(found.tensor.item == 48)
  }

  @Test("perturbations of different levels are not confused: d/dx x·(d/dy (x + y)) is 1", arguments: pairs)
  func confusion(modes: (Mode, Mode)) {
    let found = modes.0.derivative(
      { x in x * modes.1.derivative({ y in x + y }, at: Variable(2)) }, at: Variable(5))
    #expect(found.tensor.item == 1)
    let product = modes.0.derivative(
      { x in x * modes.1.derivative({ y in x * y * y }, at: Variable(2)) }, at: Variable(5))
    #expect(product.tensor.item == 40)
  }

  @Test("a derivative with respect to what is held constant is zero", arguments: pairs)
  func constant(modes: (Mode, Mode)) {
    let found = modes.0.derivative(
      { x in modes.1.derivative({ y in x * x }, at: Variable(2)) + 0 * x }, at: Variable(5))
    #expect(found.tensor.item == 0)
  }

  @Test("several results have a tangent each, zeros where there is none")
  func several() {
    let x = Variable(Tensor([2, 3])), v = Variable(Tensor([1, 10]))
    let function: ([Variable]) -> [Variable] = { [$0[0] * $0[0], Variable(7), $0[1]] }
    let plain = jvp(at: [x, x], along: [v, nil], of: function)
    #expect(plain.values.map(\.tensor.elements) == [[4, 9], [7], [2, 3]])
    #expect(plain.tangents.map(\.tensor.elements) == [[4, 60], [0], [0, 0]])
    let detached = jvpDetachingTangent(at: [x, x], along: [v, nil], of: function)
    #expect(detached.tangents.map(\.tensor.elements) == plain.tangents.map(\.tensor.elements))
  }

  @Test("a detached tangent has the value of the tangent, and its value the gradient of the function alone")
  func detachedTangent() {
    let x = Variable(Tensor([0.5, 2])), w = Variable(Tensor([3, -1]))
    func function(_ w: Variable) -> ([Variable]) -> Variable { { ($0[0] * w).map(.tanh) } }
    let plain = jvp(at: [x], along: [x], of: function(w))
    let (value, found) = valueAndGradient(at: [w]) { w in
      let (u, tangent) = jvpDetachingTangent(at: [x], along: [x * w[0]], of: function(w[0]))
      #expect(u.tensor.elements == plain.value.tensor.elements)
      #expect(tangent.tensor.elements == (plain.tangent * Variable(Tensor([3, -1]))).tensor.elements)
      return (u * tangent).sum()
    }
    let tangent = (plain.tangent * w).detached
    let wanted = gradient(at: [w]) { (function($0[0])([x]) * tangent).sum() }
    #expect(value.tensor.item == (plain.value * tangent).sum().tensor.item)
    #expect(found[0].tensor.elements == wanted[0].tensor.elements)
  }

  /// A function of [6, 2, 4] and [6, 1] sample by sample: all that regroups the axes behind the first, and products.
  private func bySample(_ w: [Variable]) -> ([Variable]) -> Variable {
    { arguments in
      let (x, t) = (arguments[0], arguments[1])
      let h = linear(x, weight: w[0], bias: w[1], activation: .gelu)  // [6, 2, 8]
      let q = h.reshaped([6, 2, 2, 4]).permuted([0, 2, 1, 3])
      let attended = attention(q, 2 * q, q.map(.tanh), mask: .none).reshaped([6, 4, 4])
      let scale = concatenate([t.map(.sine), t, arguments[2], t * arguments[2]], axis: 1)  // [6, 4]
      let n = attended.modulatedLinear(scale: scale, shift: 3 * scale, layers: [(w[2], w[3])])[0]
      let parts = attended.adding(n, gate: scale).unstacked(axis: 1)
      return (parts[0] * parts[1] + parts[2]).sum(axes: [1], keepingAxes: true) / (2 + parts[3].map(.square))
    }
  }

  @Test("a tangent of some samples is theirs among those of all", arguments: [0..<6, 0..<2, 3..<6, 2..<2])
  func rows(rows: Range<Int>) {
    var random = Random(key: 5)
    let w = [[8, 4], [8], [4, 4], [4]].map { Variable(random.normal(Shape($0))) }
    let arguments = [[6, 2, 4], [6, 1], [6, 1]].map { Variable(random.normal(Shape($0))) }
    let directions = [Variable(random.normal([6, 2, 4])), Variable(random.normal([6, 1]))]
    func step(_ derivative: @escaping ([Variable], ([Variable]) -> Variable) -> (Variable, Variable))
      -> [Tensor]
    {
      var tangent = Tensor(0)
      let (value, gradient) = valueAndGradient(at: w) { w in
        let dual = derivative(arguments, bySample(w))
        tangent = dual.1.tensor
        return (dual.0 * dual.0).sum()
      }
      return [value.tensor, tangent] + gradient.map(\.tensor)
    }
    let whole = step { jvpDetachingTangent(at: $0, along: directions + [nil], of: $1) }
    let part = step {
      jvpDetachingTangent(
        at: $0, along: directions.map { $0.slice(axis: 0, rows) } + [nil], rows: rows, of: $1)
    }
    #expect(part[0].elements == whole[0].elements)
    #expect(part[1].shape == [rows.count, 4])
    for (found, wanted) in zip(part[1].elements, whole[1].rows(rows).elements) {
      #expect(abs(found - wanted) <= 1e-4 * max(1, abs(wanted)))
    }
    for (found, wanted) in zip(part[2...], whole[2...]) { #expect(found.elements == wanted.elements) }
  }
}
