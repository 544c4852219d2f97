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
}
