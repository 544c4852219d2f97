// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowTensor
import Testing

@Suite("Gradients of jump targets")
struct TargetGradientTests {
  private static let manifold = Sphere(dimension: 2)

  /// A network of two layers on state and times.
  private static func map(_ w: [Variable]) -> ManifoldMap {
    ManifoldMap(manifold) { z, r, t in
      let h = matmul(concatenate([z, r, t], axis: 1), w[0]).map(.tanh)
      return matmul(h, w[1])
    }
  }

  private static func weights(_ key: UInt64) -> [Variable] {
    var random = Random(key: key)
    return [Variable(random.normal([5, 6])), Variable(random.normal([6, 3]).affine(scale: 0.5))]
  }

  private static func batch() -> JumpBatch {
    ExactFlow(.rotation, "sphere(2)").batch(12, key: 5)
  }

  /// What each target says is compared, from the weights that are trained, and with which constant: the formulas of
  /// design, written out once more. The error is the square of the difference at `base`.
  private static func difference(_ target: any JumpTarget, _ batch: JumpBatch, teacher: ManifoldMap) -> (
    (ManifoldMap) -> Variable
  ) {
    let ones = Variable(Tensor(repeating: 1, shape: batch.t.shape))
    let (r, s, t, z) = (batch.r, batch.s, batch.t, batch.z)
    let x = teacher.jump(z, from: t, to: r).detached
    switch target {
    case is Lagrangian:
      let asked = teacher.velocity(x, at: r).detached
      return { map in jvp(at: [r], along: [ones]) { map.jump(z, from: t, to: $0[0]) }.tangent - asked }
    case is Eulerian:
      let v = teacher.velocity(z, at: t)
      let brought = jvp(at: [z], along: [v]) { teacher.jump($0[0], from: t, to: r) }.tangent.detached
      return { map in jvp(at: [t], along: [ones]) { map.jump(z, from: $0[0], to: r) }.tangent + brought }
    case is LagrangianRegression:
      let along = jvp(at: [r], along: [ones]) { teacher.velocity(z, r: $0[0], t: t) }.tangent
      let v = teacher.velocity(x, at: r)
      let seen = jvp(at: [x], along: [v]) { manifold.log(z, $0[0]) }.tangent
      let asked = manifold.tangent(seen + (t - r) * along, at: z).detached
      return { map in map.velocity(z, r: r, t: t) - asked }
    case is Semigroup:
      let asked = teacher.jump(teacher.jump(z, from: t, to: s), from: s, to: r).detached
      return { map in manifold.log(asked, map.jump(z, from: t, to: r)) }
    case is Consistency:
      let asked = teacher.jump(batch.path(s), from: s, to: r).detached
      return { map in manifold.log(asked, map.jump(z, from: t, to: r)) }
    default:
      let v = batch.velocity
      let along = jvp(at: [z, t], along: [v, ones]) { teacher.velocity($0[0], r: r, t: $0[1]) }.tangent
      let seen = jvp(at: [z], along: [v]) { manifold.log($0[0], x) }.tangent
      let asked = manifold.tangent(-seen - (t - r) * along, at: z).detached
      return { map in map.velocity(z, r: r, t: t) - asked }
    }
  }

  private static let targets: [any JumpTarget] = [
    Lagrangian(), Eulerian(clip: 1e3), Semigroup(), Consistency(), ManifoldMeanFlow(clip: 1e3),
    LagrangianRegression(clip: 1e3),
  ]

  @Test("a gradient is the difference of the error with all that is stopped held fast", arguments: 0..<6)
  func differences(index: Int) {
    let target = Self.targets[index], batch = Self.batch(), weights = Self.weights(1)
    let teacher = Self.map(weights.map(\.detached))
    let (value, gradient) = valueAndGradient(at: weights) {
      target.error(batch, online: Self.map($0), teacher: teacher).sum()
    }
    let difference = Self.difference(target, batch, teacher: teacher)
    let loss = { (weights: [Variable]) in difference(Self.map(weights)).tensor.sumOfSquares }
    #expect(abs(Double(value.tensor.item) - loss(weights)) < 1e-4 * (1 + loss(weights)))
    var random = Random(key: 7)
    let direction = weights.map { Variable(random.normal($0.shape)) }
    let along = { (step: Float) in loss(zip(weights, direction).map { $0 + step * $1 }) }
    // Richardson's extrapolation of two central differences.
    let central = { (h: Float) in (along(h) - along(-h)) / Double(2 * h) }
    let wanted = (4 * central(0.005) - central(0.01)) / 3
    let found = zip(gradient, direction).reduce(0.0) { $0 + Double(($1.0 * $1.1).sum().tensor.item) }
    let size = gradient.reduce(0) { $0 + $1.tensor.sumOfSquares }.squareRoot()
    #expect(abs(found - wanted) < 1e-3 * size, "\(type(of: target)): \(found), not \(wanted), of \(size)")
  }

  @Test("no gradient reaches the teacher", arguments: 0..<6)
  func stopped(index: Int) {
    let batch = Self.batch(), online = Self.map(Self.weights(1))
    let gradient = gradient(at: Self.weights(2)) {
      Self.targets[index].error(batch, online: online, teacher: Self.map($0)).sum()
    }
    #expect(gradient.allSatisfy { largest($0.tensor) == 0 })
  }
}
