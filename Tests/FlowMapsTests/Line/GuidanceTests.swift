// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowMaps
import FlowTensor
import Testing

/// What guided targets have for fixed points, on two classes of which the exact velocities are known.
@Suite("Guidance")
struct GuidanceTests {
  private static let rules: [(rule: Guidance.Rule, scale: Double)] = [
    (.mixture(weight: 0.2, share: 0.92), 2.5), (.mixture(weight: 1, share: 0), 1), (.own(weight: 7.5), 7.5),
    (.own(weight: 1), 1), (.model(weight: 0.6), 2.5), (.classifierFree(weight: 2), 2),
  ]
  private static let z: [Float] = [-1.2, -0.1, 0.4, 1.5]

  private static func velocity(_ law: MixtureOnALine, at t: Double) -> Variable {
    Variable(Tensor(z.map { Float(law.velocity(Double($0), t)) }, shape: [4, 1]))
  }

  @Test(
    "a model that learns its own guided target ends with the scale that is said", arguments: rules.indices)
  func fixedPoint(index: Int) {
    let (rule, scale) = Self.rules[index], guidance = Guidance(rule), t = 0.6
    #expect(abs(guidance.scale - scale) < 1e-9)
    let one = Self.velocity(MixtureOnALine(means: [1], deviation: 0.2), at: t)
    let both = Self.velocity(.two, at: t)
    // The average of what is learnt with the class is the target with the class's true velocity; without, it is the truth.
    var learnt = one
    for _ in 0..<400 {
      let target = guidance.velocity(one, conditional: { learnt }, unconditional: { both }, at: column(t, 4))
      learnt = learnt + 0.5 * (target - learnt)
    }
    let wanted = Float(scale) * one + Float(1 - scale) * both
    #expect(distance(learnt, wanted) < 1e-4, "\(learnt.tensor.elements), not \(wanted.tensor.elements)")
  }

  @Test("outside its times the target is the path's own velocity, and nothing of it is differentiated")
  func times() {
    let guidance = Guidance(.model(weight: 0.6), times: 0.2...0.75)
    let t = Variable(Tensor([0.1, 0.2, 0.75, 0.8], shape: [4, 1])),
      v = Variable(Tensor([1, 2, 3, 4], shape: [4, 1]))
    let target = guidance.velocity(v, conditional: { 3 * v }, unconditional: { v }, at: t)
    for (found, wanted) in zip(target.tensor.elements, [1, 2 + 2.4, 3 + 3.6, 4] as [Float]) {
      #expect(abs(found - wanted) < 1e-5)
    }
    let slope = gradient(at: [v]) {
      let x = $0[0]
      return guidance.velocity(x, conditional: { 3 * x }, unconditional: { x }, at: t).sum()
    }
    #expect(slope[0].tensor.elements == [0, 0, 0, 0])
  }
}
