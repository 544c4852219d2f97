// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowTensor
import Testing

/// Identities that hold for any network, and what a mistake in one would change.
@Suite("Identities of targets")
struct IdentityTests {
  private static let space = Euclidean(dimension: 2)

  /// A small network of two weights.
  private static func map(_ p: [Variable]) -> ManifoldMap {
    ManifoldMap(space) { z, r, t in
      (matmul(z, p[0]) + (t * t - 0.5 * r) * p[1]).map(.tanh) + 0.3 * z * r
    }
  }

  private static var weights: [Variable] {
    var random = Random(key: 2)
    return [Variable(random.normal([2, 2])), Variable(random.normal([1, 2]))]
  }

  private static var batch: JumpBatch {
    var random = Random(key: 3)
    let z = Variable(random.normal([6, 2])), v = Variable(random.normal([6, 2]))
    let t = Variable(random.uniform([6, 1])), r = Variable(random.uniform([6, 1])) * t
    return JumpBatch(z: z, velocity: v, path: { _ in z }, r: r, s: 0.5 * (r + t), t: t)
  }

  private static func slopes(_ target: any JumpTarget, _ batch: JumpBatch) -> [Variable] {
    gradient(at: weights) { p in
      target.error(batch, online: map(p), teacher: map(p.map(\.detached))).sum()
    }
  }

  /// Card 7: what improved MeanFlow changes is the direction of the derivative alone.
  @Test("improved MeanFlow whose own velocity is that of the path is MeanFlow")
  func forced() {
    var told = Self.batch
    let velocity = told.velocity
    told.head = { _, _ in velocity }
    let improved = Self.slopes(ManifoldMeanFlow(motion: .derivativeOwn, clip: 1e6), told)
    let plain = Self.slopes(ManifoldMeanFlow(clip: 1e6), Self.batch)
    for (one, other) in zip(improved, plain) { #expect(distance(one, other) < 1e-5) }
    let other = Self.slopes(ManifoldMeanFlow(motion: .derivativeOwn, clip: 1e6), Self.batch)
    #expect(distance(other[0], plain[0]) > 1e-2)
  }

  @Test("a teacher that is the map itself may share its evaluation")
  func shared() {
    var shared = Self.batch
    shared.teacherIsOnline = true
    for target in [
      ManifoldMeanFlow(clip: 1e6), ManifoldMeanFlow(motion: .own, clip: 1e6),
      ManifoldMeanFlow(normalisation: TangentNormalisation()), ContinuousConsistency(),
    ] as [any JumpTarget] {
      for (one, other) in zip(Self.slopes(target, shared), Self.slopes(target, Self.batch)) {
        #expect(distance(one, other) < 1e-5)
      }
    }
  }

  /// Card 4: |∂_t X + dX[v]| = |(t − r)-fold MeanFlow difference|, as X = z − (t − r)·u.
  @Test("the Eulerian error along the path's velocity is MeanFlow's")
  func eulerian() {
    var told = Self.batch
    let velocity = told.velocity
    told.known = { _, _ in velocity }
    let p = Self.weights, map = Self.map(p)
    let eulerian = Eulerian(clip: 1e6).error(told, online: map, teacher: map)
    let meanFlow = ManifoldMeanFlow(clip: 1e6).error(told, online: map, teacher: map)
    #expect(distance(eulerian, meanFlow) < 1e-4)
  }

  /// Card 11: the head for data and the path's velocity are cut off alike near t = 0.
  @Test(
    "the exact picture has no error under MeanFlow, also below the least time", arguments: [0.01, 0.03, 0.3])
  func clippedData(t: Double) {
    // A law of one picture x: D = x whatever z, and v* = (z − x)/t.
    let x = Variable(Tensor([0.4, -0.2], shape: [1, 2])), least = NetworkHead.leastTime
    let map = ManifoldMap(Self.space) { z, _, t in
      NetworkHead.data.velocity(x.broadcast(to: z.shape), at: z, t: t)
    }
    let z = Self.batch.z, time = column(t, 6)
    let velocity = (z - x) / Variable.maximum(time, Variable(least))
    let batch = JumpBatch(
      z: z, velocity: velocity, path: { _ in z }, r: column(0, 6), s: column(0, 6), t: time)
    let error = ManifoldMeanFlow(clip: 1e6).error(batch, online: map, teacher: map).sum().tensor.item
    if t >= Double(least) {
      #expect(error < 1e-8, "\(error)")
    } else {
      // u does not depend on t there, and moves with z by 1/least: the target is (1 − t/least) of what it should be.
      let wanted = velocity.map(.square).sum().tensor.item * Float(t * t) / (least * least)
      #expect(abs(error - wanted) < 1e-3 * wanted, "\(error), not \(wanted)")
    }
  }

  /// Card 21: data N(0.7, 0.5²), made N(m, c′²).
  @Test(
    "a correction pulls mean and spread to where the divergence falls, and not at all where both laws are one"
  )
  func correction() {
    let wanted = MixtureOnALine.normal
    func slopes(_ mean: Float, _ spread: Float) -> [Double] {
      let made = MixtureOnALine(means: [Double(mean)], deviation: Double(spread))
      var random = Random(key: 4)
      let count = 40_000
      let e = Variable(random.normal([count, 1])), noise = Variable(random.normal([count, 1]))
      let values = [mean, spread].map { Variable(Tensor([$0], shape: [1, 1])) }
      return gradient(at: values) { p in
        let x = p[0] + p[1] * e, τ = column(0.4, count)
        let state = (0.6 * x + 0.4 * noise).detached
        let field = { (law: MixtureOnALine) in elementwise(state, τ, τ) { z, _, t in law.velocity(z, t) } }
        return correctionLoss(velocity: e - x, made: field(made), wanted: field(wanted)).mean()
      }.map { Double($0.tensor.item) }
    }
    let still = slopes(0.7, 0.5)
    #expect(still.allSatisfy { abs($0) < 1e-3 }, "\(still)")
    #expect(slopes(0.9, 0.5)[0] > 0.05 && slopes(0.5, 0.5)[0] < -0.05)
    #expect(slopes(0.7, 0.7)[1] > 0.02 && slopes(0.7, 0.3)[1] < -0.02)
  }
}
