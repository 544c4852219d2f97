// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowTensor
import Glibc
import Testing

/// What a network's answer says, and sCM, on N(0, ½²), whose maps are affine.
@Suite("Heads")
struct HeadTests {
  private static let law = MixtureOnALine(means: [0], deviation: 0.5)
  private static let z: [Float] = [-1.3, 0.2, 0.9]

  private static func rows(_ values: [Double]) -> Variable {
    Variable(Tensor(values.map { Float($0) }, shape: [values.count, 1]))
  }

  @Test("an answer of each kind is the velocity that it stands for", arguments: [0.1, 0.5, 0.9])
  func conversions(t: Double) {
    let z = Self.rows(Self.z.map { Double($0) }), time = column(t, 3)
    let velocity = Self.z.map { Self.law.velocity(Double($0), t) }
    let data = Self.z.map { Self.law.data(Double($0), t) }
    let noise = zip(Self.z, velocity).map { Double($0) + (1 - t) * $1 }
    let answers: [(NetworkHead, [Double])] = [
      (.velocity, velocity), (.data, data), (.noise, noise), (.score, noise.map { -$0 }),
    ]
    for (head, answer) in answers {
      let found = head.velocity(Self.rows(answer), at: z, t: time)
      #expect(distance(found, Self.rows(velocity)) < 2e-6, "\(head)")
    }
  }

  @Test("below its least time, the head for data divides by that")
  func clipped() {
    let found = NetworkHead.data.velocity(Self.rows([0]), at: Self.rows([1]), t: column(0.01, 1))
    #expect(found.tensor.item == 20)
  }

  /// Card 5a: the boundary holds whatever the network answers.
  @Test("a consistency head lands on the state itself at the least level")
  func boundary() {
    let t = 0.002 / 1.002, z = Self.rows(Self.z.map { Double($0) })
    let u = NetworkHead.consistency.velocity(Self.rows([5, -7, 3]), at: z, t: column(t, 3))
    let landing = z - Float(t) * u
    // The state of the variance-exploding path, y = z/(1 − t).
    #expect(distance(landing, Float(1.002) * z) < 1e-6)
  }

  /// Card 5b: F* = −tan(θ/2)·y/σ for data N(0, σ²), where y stays as it is along the flow and g is 0.
  @Test(
    "sCM's exact answer lands where the flow does, and its target asks for no change",
    arguments: [0.05, 0.4, 0.8])
  func trigonometric(t: Double) {
    let exact = ManifoldMap(Euclidean(dimension: 1)) { z, _, t in
      let h = (0.25 * (1 - t).map(.square) + t.map(.square)).map(.sqrt)
      // tan(θ/2) = sin θ/(1 + cos θ), y/σ = z/h.
      let answer = -(t / (h + 0.5 * (1 - t))) * (z / h)
      return NetworkHead.trigonometric.velocity(answer, at: z, t: t)
    }
    let z = Self.rows(Self.z.map { Double($0) }), time = column(t, 3), zero = column(0, 3)
    let landing = exact.jump(z, from: time, to: zero)
    #expect(distance(landing, Self.rows(Self.z.map { Self.law.flow(Double($0), from: t, to: 0) })) < 1e-6)
    let velocity = Self.rows(Self.z.map { Self.law.velocity(Double($0), t) })
    let batch = JumpBatch(z: z, velocity: velocity, path: { _ in z }, r: zero, s: zero, t: time)
    let target = ContinuousConsistency(deviation: 0.5).at(progress: 1)
    #expect(target.error(batch, online: exact, teacher: exact).sum().tensor.item < 1e-8)
    // A map that is off, and a flow that is another, are told of.
    let wrong = ManifoldMap(Euclidean(dimension: 1)) { z, r, t in 0.9 * exact.velocity(z, r: r, t: t) }
    #expect(target.error(batch, online: wrong, teacher: wrong).sum().tensor.item > 1e-3)
    // A central difference tells nearly the same, and not the very same.
    let error = { (target: any JumpTarget, map: ManifoldMap) in
      target.error(batch, online: map, teacher: map).sum().tensor.item
    }
    let smooth = ContinuousConsistency(derivative: .difference(step: 0.02)).at(progress: 1)
    let found = error(smooth, wrong), wanted = error(target, wrong)
    #expect(error(smooth, exact) < 1e-4 && abs(found - wanted) < 0.02 * wanted && found != wanted)
    // One that looks back is wrong by as much as it looks.
    let backward = [Float(0.04), 0.02].map {
      ContinuousConsistency(derivative: .backward(share: $0)).at(progress: 1)
    }
    let far = error(backward[0], exact), near = error(backward[1], exact)
    #expect(near < 2e-2 && near < 0.6 * far && error(backward[1], wrong) > 0.5 * wanted)
    var other = batch
    other.velocity = -velocity
    #expect(target.error(other, online: exact, teacher: exact).sum().tensor.item > 1e-3)
  }

  @Test("the derivative's part of sCM's target is let in as the training goes on")
  func warmUp() {
    let z = Self.rows([0.7]), zero = column(0, 1), t = column(0.5, 1)
    let map = ManifoldMap(Euclidean(dimension: 1)) { z, _, t in z * t + 0.3 }
    let batch = JumpBatch(z: z, velocity: Self.rows([0.4]), path: { _ in z }, r: zero, s: zero, t: t)
    let scheduled = ContinuousConsistency(normalisation: TangentNormalisation(offset: 0.1, warmUp: 0.5))
    let errors = [0, 0.25, 0.5, 1].map {
      scheduled.at(progress: $0).error(batch, online: map, teacher: map).tensor.item
    }
    #expect(errors[0] != errors[1] && errors[1] != errors[2] && errors[2] == errors[3])
    // However large the difference, what is asked for is no more than 1 a number.
    #expect(errors.allSatisfy { $0 <= 1 })
  }
}
