// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowTensor
import Testing

@Suite("Primitives")
struct PrimitiveTests {
  @Test("a function of one number has the gradient of its differences", arguments: UnaryFunction.allCases)
  func unary(function: UnaryFunction) {
    for shape: Shape in [[1], [15], [17], [3, 5], [0]] {
      checkGradient(Case(name: "\(function)", shapes: [shape], positive: true) { $0[0].map(function) })
    }
  }

  static let broadcasts: [(Shape, Shape)] = [
    ([15], [15]), ([3, 17], [17]), ([3, 17], [3, 1]), ([1], [4, 3]), ([2, 3, 4, 5], [3, 1, 5]),
    ([2, 1, 4, 1], [1, 3, 1, 5]),
    ([0, 3], [3]),
  ]

  @Test("arithmetic with broadcasting has the gradient of its differences", arguments: broadcasts)
  func arithmetic(shapes: (Shape, Shape)) {
    let shapes = [shapes.0, shapes.1]
    checkGradient(Case(name: "add", shapes: shapes) { $0[0] + $0[1] })
    checkGradient(Case(name: "subtract", shapes: shapes) { $0[0] - $0[1] })
    checkGradient(Case(name: "multiply", shapes: shapes) { $0[0] * $0[1] })
    checkGradient(Case(name: "divide", shapes: shapes, positive: true) { $0[0] / $0[1] })
  }

  static let compositions: [Case] = [
    Case(name: "affine", shapes: [[3, 5]]) { $0[0].affine(scale: -2, shift: 3) },
    Case(name: "maximum", shapes: [[40], [40]]) { Variable.maximum($0[0], 3 + $0[1]) },
    Case(name: "sum of an axis", shapes: [[3, 4, 5]]) { $0[0].sum(axis: 1) },
    Case(name: "sum of the first axis", shapes: [[300, 7]]) { $0[0].sum(axis: 0) },
    Case(name: "mean", shapes: [[3, 4]]) { $0[0].mean() },
    Case(name: "broadcast", shapes: [[3, 1]]) { $0[0].broadcast(to: [2, 3, 4]) },
    Case(name: "matmul", shapes: [[5, 17], [17, 3]]) { matmul($0[0], $0[1]) },
    Case(name: "matmul, left transposed", shapes: [[17, 5], [17, 3]]) {
      matmul($0[0], $0[1], transposeA: true)
    },
    Case(name: "matmul, right transposed", shapes: [[5, 17], [3, 17]]) {
      matmul($0[0], $0[1], transposeB: true)
    },
    Case(name: "matmul, both transposed", shapes: [[17, 5], [3, 17]]) {
      matmul($0[0], $0[1], transposeA: true, transposeB: true)
    },
    Case(name: "batched matmul", shapes: [[4, 2, 3], [4, 3, 5]]) { matmul($0[0], $0[1]) },
    Case(name: "linear", shapes: [[2, 7, 5], [6, 5], [6]]) { linear($0[0], weight: $0[1], bias: $0[2]) },
    Case(name: "convolution", shapes: [[2, 5, 6, 3], [4, 3, 3, 3], [4]]) {
      convolve($0[0], weight: $0[1], bias: $0[2], Convolution2D(kernel: 3, padding: 1))
    },
    Case(name: "convolution of stride 2", shapes: [[9, 6, 8, 2], [3, 3, 3, 2], [3]]) {
      convolve($0[0], weight: $0[1], bias: $0[2], Convolution2D(kernel: 3, stride: 2, padding: 1))
    },
    Case(name: "reshape", shapes: [[4, 6]]) { $0[0].reshaped([2, 12]).map(.square) },
    Case(name: "permute", shapes: [[2, 3, 4, 5]]) { $0[0].permuted([2, 0, 3, 1]) },
    Case(name: "concatenate", shapes: [[2, 3, 4], [2, 1, 4]]) { concatenate($0, axis: 1) },
    Case(name: "slice", shapes: [[3, 7, 2]]) { $0[0].slice(axis: 1, 2..<5) },
    Case(name: "slice of the first axis", shapes: [[7, 3]]) { $0[0].slice(axis: 0, 2..<5) },
    Case(name: "unstack", shapes: [[3, 4, 2]]) {
      let parts = $0[0].unstacked(axis: 1)
      return parts[0] * parts[3] + parts[1]
    },
    Case(name: "gather", shapes: [[5, 3]]) { $0[0].gather([4, 0, 4, 2]) },
    Case(name: "softmax", shapes: [[3, 17]]) { $0[0].softmax() },
    Case(name: "modulated norm", shapes: [[2, 3, 17], [2, 17], [2, 17]]) {
      $0[0].modulatedNorm(scale: $0[1], shift: $0[2])
    },
    Case(name: "root-mean-square norm", shapes: [[2, 3, 15], [15]]) { $0[0].rmsNorm(weight: $0[1]) },
    Case(name: "gated addition", shapes: [[2, 3, 5], [2, 5], [2, 3, 5]]) { $0[0].adding($0[2], gate: $0[1]) },
    Case(name: "attention", shapes: [[2, 5, 3, 8], [2, 7, 3, 8], [2, 7, 3, 8]]) {
      attention($0[0], $0[1], $0[2], mask: .none)
    },
    Case(name: "causal attention", shapes: [[2, 10, 2, 4], [2, 10, 2, 4], [2, 10, 2, 4]]) {
      attention($0[0], $0[1], $0[2], mask: .blockCausal(tokensPerFrame: 2, window: 2, sink: 1))
    },
    Case(
      name: "causal attention over several blocks",
      shapes: [[1, 396, 1, 4], [1, 396, 1, 4], [1, 396, 1, 4]]
    ) {
      attention($0[0], $0[1], $0[2], mask: .blockCausal(tokensPerFrame: 12, window: 5, sink: 1))
    },
    Case(name: "rotary embedding", shapes: [[2, 3, 2, 4]]) {
      let angles = Tensor([0, 1, 2, 0.5, -1, 3], shape: [3, 2])
      return $0[0].rotated(cosine: angles.map(.cosine), sine: angles.map(.sine))
    },
  ]

  @Test("the gradient is that of the differences", arguments: compositions)
  func composition(example: Case) { checkGradient(example) }

  static let secondOrder: [Case] = [
    Case(name: "polynomial", shapes: [[5]]) { $0[0] * $0[0] * $0[0] },
    Case(name: "silu", shapes: [[15]]) { $0[0].map(.silu) },
    Case(name: "gelu", shapes: [[15]]) { $0[0].map(.gelu) },
    Case(name: "tanh of matmul", shapes: [[3, 4], [4, 2]]) { matmul($0[0], $0[1]).map(.tanh) },
    Case(name: "convolution, squared", shapes: [[1, 4, 4, 2], [2, 3, 3, 2], [2]]) {
      convolve($0[0], weight: $0[1], bias: $0[2], Convolution2D(kernel: 3, padding: 1)).map(.square)
    },
    Case(name: "softmax", shapes: [[2, 5]]) { $0[0].softmax() },
  ]

  @Test("the gradient of a gradient is that of its differences", arguments: secondOrder)
  func secondDerivative(example: Case) {
    checkGradient(
      Case(name: example.name, shapes: example.shapes) { arguments in
        gradient(at: arguments) { (example.function($0) * example.function($0)).sum() }[0]
      })
  }

  @Test("a detached variable passes no gradient")
  func detached() {
    let g = gradient(at: [Variable(Tensor([2, 3]))]) { ($0[0] * $0[0].detached).sum() }
    #expect(g[0].tensor.elements == [2, 3])
  }

  @Test("the sign is −1, 0 or 1 and passes no gradient")
  func sign() {
    let x = Variable(Tensor([-3, -0.0, 0, .leastNonzeroMagnitude, .infinity, -.infinity, .nan]))
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

  @Test("gradients at zero are finite", arguments: [UnaryFunction.silu, .gelu, .tanh, .square, .absolute])
  func atZero(function: UnaryFunction) {
    let g = gradient(at: [Variable(Tensor.zeros([3]))]) { $0[0].map(function).sum() }
    #expect(g[0].tensor.isFinite)
  }
}
