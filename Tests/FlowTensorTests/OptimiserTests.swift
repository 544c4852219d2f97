// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import FlowTensor

@Suite("Optimisers")
struct OptimiserTests {
  private static func step(_ method: OptimiserMethod, _ number: Int) -> OptimiserStep {
    var step = OptimiserStep(
      rate: 1e-2, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, decay: 0.1, number: number, gradientScale: 0.5,
      averageDecay: 0.75)
    step.method = method
    return step
  }

  @Test("RAdam is its formula in double precision, before and after its second moment is known")
  func rAdam() {
    var random = Random(key: 6)
    var trained = TrainedTensor(random.normal([40]))
    var w = trained.weight.doubles, m = [Double](repeating: 0, count: 40), v = m
    var isRectified: [Bool] = []
    for number in 1...12 {
      let gradient = random.normal([40])
      trained.apply(Self.step(.rAdam, number), gradient: gradient)
      let t = Double(number), most = 2 / (1 - 0.99) - 1
      let known = most - 2 * t * pow(0.99, t) / (1 - pow(0.99, t))
      isRectified.append(known > 5)
      for (i, g) in gradient.doubles.enumerated().map({ ($0, 0.5 * $1) }) {
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = 0.99 * v[i] + 0.01 * g * g
        let first = m[i] / (1 - pow(0.9, t))
        var direction = first
        if known > 5 {
          let share = sqrt((known - 4) * (known - 2) * most / ((most - 4) * (most - 2) * known))
          direction = share * first / (sqrt(v[i] / (1 - pow(0.99, t))) + 1e-8)
        }
        w[i] -= 1e-2 * (direction + 0.1 * w[i])
      }
    }
    #expect(isRectified.first == false && isRectified.last == true)
    expectClose(trained.weight, w, tolerance: 5e-6)
  }

  @Test("RMSProp is its formula in double precision")
  func rmsProp() {
    var random = Random(key: 7)
    var trained = TrainedTensor(random.normal([40]))
    var w = trained.weight.doubles, v = [Double](repeating: 0, count: 40)
    for number in 1...5 {
      let gradient = random.normal([40])
      trained.apply(Self.step(.rmsProp, number), gradient: gradient)
      for (i, g) in gradient.doubles.enumerated().map({ ($0, 0.5 * $1) }) {
        v[i] = 0.99 * v[i] + 0.01 * g * g
        w[i] -= 1e-2 * (g / (sqrt(v[i]) + 1e-8) + 0.1 * w[i])
      }
    }
    expectClose(trained.weight, w, tolerance: 2e-5)
  }

  @Test("Newton–Schulz steps take singular values to about 1", arguments: [(8, 8), (24, 8), (8, 40)])
  func orthogonal(rows: Int, columns: Int) {
    var random = Random(key: 8)
    let x = random.normal([rows, columns]).orthogonalised()
    #expect(x.shape == [rows, columns])
    let gram = rows > columns ? Tensor.matmul(x, x, transposeA: true) : Tensor.matmul(x, x, transposeB: true)
    let n = gram.shape[0], elements = gram.elements
    // Their squares are the eigenvalues: between the bounds, and so are traces and norms.
    for i in 0..<n { #expect(elements[i * n + i] > 0.3 && elements[i * n + i] < 1.5) }
    #expect(gram.sumOfSquares / Double(n) < 1.5 && gram.sumOfSquares / Double(n) > 0.3)
  }

  @Test("a step of Muon goes against the gradient, by a length that the gradient's does not change")
  func muon() {
    var random = Random(key: 9)
    let weight = random.normal([6, 10]), gradient = random.normal([6, 10])
    let moved = [1, 100].map { scale -> Tensor in
      var trained = TrainedTensor(weight)
      var step = Self.step(.muon, 1)
      step.decay = 0
      trained.apply(step, gradient: gradient.affine(scale: Float(scale)))
      #expect(trained.first.elements != [Float](repeating: 0, count: 60))
      return Tensor.combine(.subtract, trained.weight, weight)
    }
    #expect(Tensor.combine(.multiply, moved[0], gradient).elements.reduce(0, +) < 0)
    let apart = Tensor.combine(.subtract, moved[0], moved[1])
    #expect(apart.sumOfSquares < 1e-6 * moved[0].sumOfSquares)
    // As long as a step of Adam's: 0.2·rate a number, about.
    let length = (moved[0].sumOfSquares / 60).squareRoot()
    #expect(length > 0.001 && length < 0.003, "\(length)")
  }

  @Test("momentum stays in mind, and decay pulls to zero")
  func momentum() {
    var trained = TrainedTensor(Tensor(repeating: 1, shape: [2, 2]))
    let gradient = Tensor([1, 0, 0, 1], shape: [2, 2])
    for number in 1...2 { trained.apply(Self.step(.muon, number), gradient: gradient) }
    // 0.5 first, then 0.9·0.5 + 0.5.
    expectClose(trained.first, [0.95, 0, 0, 0.95], tolerance: 1e-6)
    #expect(abs(trained.weight.elements[1] - 0.999 * 0.999) < 1e-5)
  }
}
