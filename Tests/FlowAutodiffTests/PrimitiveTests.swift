// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowTensor
import Testing

@Suite("Values and choices of derivatives")
struct PrimitiveTests {
  @Test("a detached variable passes no gradient")
  func detached() {
    let g = gradient(at: [Variable(Tensor([2, 3]))]) { ($0[0] * $0[0].detached).sum() }
    #expect(g[0].tensor.elements == [2, 3])
  }

  @Test("the sign is −1, 0 or 1 and passes no gradient")
  func sign() {
    let x = Variable(Tensor([-3, -0.0, 0, .leastNormalMagnitude, .infinity, -.infinity, .nan]))
    #expect(x.map(.sign).tensor.elements == [-1, 0, 0, 1, 1, -1, 0])
    #expect(gradient(at: [x]) { $0[0].map(.sign).sum() }[0].tensor.elements == [0, 0, 0, 0, 0, 0, 0])
  }

  @Test("the larger of two takes the gradient, equal ones share it")
  func maximum() {
    let g = gradient(at: [Variable(Tensor([1, 2, 3])), Variable(Tensor([3, 2, 1]))]) {
      (Variable.maximum($0[0], $0[1]) * Variable(Tensor([1, 10, 100]))).sum()
    }
    #expect(g[0].tensor.elements == [0, 5, 100] && g[1].tensor.elements == [1, 5, 0])
  }

  @Test("an argument that is not used has a gradient of zeros, and one used twice the sum of both")
  func uses() {
    let arguments = [Variable(Tensor([2, 3])), Variable(Tensor([5]))]
    let g = gradient(at: arguments) { ($0[0] * $0[0] + $0[0]).sum() }
    #expect(g[0].tensor.elements == [5, 7] && g[1].tensor.elements == [0])
  }

  @Test("equal largest elements share the derivative")
  func ties() {
    let g = gradient(at: [Variable(Tensor([3, 1, 3, 3], shape: [2, 2]))]) {
      ($0[0].largest(axis: 1) * Variable(Tensor([1, 10]))).sum()
    }
    #expect(g[0].tensor.elements == [1, 0, 5, 5])
  }

  @Test("no derivative flows through a clamp beyond its bounds, all of it at them")
  func clamp() {
    let g = gradient(at: [Variable(Tensor([-2, -1, 0, 1, 2]))]) { $0[0].clamped(to: -1...1).sum() }
    #expect(g[0].tensor.elements == [0, 1, 1, 1, 0])
  }

  @Test("the derivatives of roots, norms and angles at 0 are 0")
  func roots() {
    let x = Variable(Tensor.zeros([3]))
    for function: ([Variable]) -> Variable in [
      { $0[0].map(.sqrt).sum() }, { $0[0].power(0.3).sum() }, { $0[0].map(.square).sum().map(.sqrt) },
      { Variable.arctangent(y: $0[0], x: $0[0]).sum() },
    ] {
      #expect(gradient(at: [x], of: function)[0].tensor.elements == [0, 0, 0])
    }
  }

  @Test(
    "a linear layer with an activation is the layer and then the activation", arguments: Activation.allCases)
  func activated(activation: Activation) {
    var random = Random(key: 17)
    let given = [
      Variable(random.normal([5, 7])), Variable(random.normal([9, 7])), Variable(random.normal([9])),
    ]
    let function: UnaryFunction = activation == .silu ? .silu : .gelu
    let fused = { (x: [Variable]) in linear(x[0], weight: x[1], bias: x[2], activation: activation) }
    let plain = { (x: [Variable]) in linear(x[0], weight: x[1], bias: x[2]).map(function) }
    #expect(fused(given).tensor.elements == plain(given).tensor.elements)
    let v: [Variable?] = [given[0], nil, nil]
    let (a, b) = (jvp(at: given, along: v, of: fused), jvp(at: given, along: v, of: plain))
    #expect(a.value.tensor.elements == b.value.tensor.elements)
    #expect(Vector([a.tangent]).dot(Vector([b.tangent])) > 0)
    #expect((Vector([a.tangent]) - Vector([b.tangent])).norm <= Tolerance.exact * Vector([b.tangent]).norm)
    let (g, h) = (
      gradient(at: given) { fused($0).map(.square).sum() },
      gradient(at: given) { plain($0).map(.square).sum() }
    )
    #expect((Vector(g) - Vector(h)).norm <= Tolerance.exact * Vector(h).norm)
  }
}
