// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowNN
import FlowTensor
import Testing

@Suite("MLP")
struct MLPTests {
  private static let model = MLP(
    MLPConfiguration(input: 3, output: 2, width: 7, layers: 3, frequencies: 4, timeScale: 3))
  private let x: Tensor
  private let r: Tensor
  private let t: Tensor

  init() {
    var random = Random(key: 1)
    x = random.normal([5, 3])
    t = random.uniform([5, 1])
    r = Tensor.combine(.multiply, t, random.uniform([5, 1]))
  }

  private func output(_ p: Parameters, r: Tensor? = nil) -> Variable {
    Self.model(Variable(x), r: Variable(r ?? self.r), t: Variable(t), p)
  }

  @Test("an answer is a row for each state, and a fresh network answers zero")
  func shapes() {
    let answer = output(Parameters(randomWeights(Self.model.layout, seed: 2))).tensor
    #expect(answer.shape == [5, 2] && answer.sumOfSquares > 1e-2)
    let fresh = output(Parameters(Self.model.layout.initialize(seed: 2))).tensor
    #expect(fresh.elements.allSatisfy { $0 == 0 })
  }

  @Test("both times reach the answer")
  func times() {
    let p = Parameters(randomWeights(Self.model.layout, seed: 2))
    #expect(distance(output(p).tensor, output(p, r: t).tensor) > 1e-3)
  }

  @Test("every parameter has the gradient of its differences")
  func gradients() { checkEveryParameter(Self.model.layout) { output($0) } }
}
