// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowTensor
import Testing

@testable import FlowMaps

/// What the error of a row counts.
@Suite("Weights of rows")
struct WeightTests {
  private static func loss(_ weight: JumpWeight, _ error: Variable, w: Variable = Variable(0)) -> Variable {
    weight.loss(
      error, r: column(0.2, 2), t: column(0.7, 2), width: 4, logVariance: { _, _ in w.broadcast(to: [2, 1]) }
    ).sum()
  }

  /// Card 10: with w in place of w/2 there would be no such point.
  @Test(
    "Cauchy's loss has no slope in w where e^w is the mean square, and the other where it is",
    arguments: [0.3, 5.0] as [Float])
  func minimum(square: Float) {
    let error = Variable(Tensor(repeating: 4 * square, shape: [2, 1])),
      best = Variable(Tensor(square)).map(.log)
    for weight in [JumpWeight.cauchy, .logVariance] {
      #expect(abs(gradient(at: [best]) { Self.loss(weight, error, w: $0[0]) }[0].tensor.item) < 1e-5)
      let other = gradient(at: [best + 1]) { Self.loss(weight, error, w: $0[0]) }[0].tensor.item
      #expect(other > 0.1)
    }
  }

  /// Card 6: the slope of an adaptive weight's loss is that of (m + c)^(1−p)/(1 − p), at p = 1 of log(m + c).
  @Test("an adaptive weight is a robust loss", arguments: [0.5, 1.0])
  func adaptive(p: Double) {
    let error = Variable(Tensor([0.4, 2], shape: [2, 1])), c: Float = 0.1
    let own = gradient(at: [error]) { Self.loss(.adaptive(power: p, offset: Double(c)), $0[0]) }[0]
    let robust = gradient(at: [error]) {
      let m = $0[0] + c
      return (p == 1 ? m.map(.log) : (1 / Float(1 - p)) * m.power(Float(1 - p))).sum()
    }[0]
    #expect(distance(own, robust) < 1e-6)
  }

  @Test("lengths count as they are said to")
  func lengths() {
    let error = Variable(Tensor([1, 3], shape: [2, 1]))
    #expect(abs(Self.loss(.interval, error).tensor.item - 2) < 1e-5)
    #expect(abs(Self.loss(.inverseSquareInterval, error).tensor.item - 16) < 1e-4)
    #expect(Self.loss(.none, error).tensor.item == 4)
  }
}
