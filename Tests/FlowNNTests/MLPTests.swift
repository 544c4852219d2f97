// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowNN
import FlowTensor
import Testing

@Suite("MLP")
struct MLPTests {
  private static let models = [
    MLP(MLPConfiguration(input: 3, output: 2, width: 7, layers: 3, frequencies: 4, timeScale: 3)),
    MLP(MLPConfiguration(input: 3, output: 2, width: 7, layers: 3, times: .everyLayer)),
    MLP(
      MLPConfiguration(
        input: 3, output: 2, width: 7, layers: 2, times: .everyLayer, angles: [0, 2], harmonics: 2)),
  ]
  private let x: Tensor
  private let r: Tensor
  private let t: Tensor

  init() {
    var random = Random(key: 1)
    x = random.normal([5, 3])
    t = random.uniform([5, 1])
    r = Tensor.combine(.multiply, t, random.uniform([5, 1]))
  }

  private func output(_ model: Int, _ p: Parameters, x: Tensor? = nil, r: Tensor? = nil) -> Variable {
    Self.models[model](Variable(x ?? self.x), r: Variable(r ?? self.r), t: Variable(t), p)
  }

  private func weights(_ model: Int) -> Parameters {
    Parameters(randomWeights(Self.models[model].layout, seed: 2))
  }

  @Test("an answer is a row for each state, and a fresh network answers zero", arguments: 0..<3)
  func shapes(model: Int) {
    let answer = output(model, weights(model)).tensor
    #expect(answer.shape == [5, 2] && answer.sumOfSquares > 1e-2)
    let fresh = output(model, Parameters(Self.models[model].layout.initialize(seed: 2))).tensor
    #expect(fresh.elements.allSatisfy { $0 == 0 })
  }

  @Test("both times reach the answer", arguments: 0..<3)
  func times(model: Int) {
    let p = weights(model)
    #expect(distance(output(model, p).tensor, output(model, p, r: t).tensor) > 1e-3)
  }

  @Test("a whole turn changes no answer where a coordinate is an angle, and does where it is none")
  func angles() {
    let p = weights(2)
    let turned = { (axis: Int) in
      Tensor(self.x.elements.enumerated().map { $0 % 3 == axis ? $1 + 2 * .pi : $1 }, shape: [5, 3])
    }
    for axis in [0, 2] {
      #expect(distance(output(2, p).tensor, output(2, p, x: turned(axis)).tensor) < 1e-4)
    }
    #expect(distance(output(2, p).tensor, output(2, p, x: turned(1)).tensor) > 1e-2)
  }

  @Test("every parameter has the gradient of its differences", arguments: 0..<3)
  func gradients(model: Int) {
    checkEveryParameter(Self.models[model].layout) { output(model, $0) }
  }
}
