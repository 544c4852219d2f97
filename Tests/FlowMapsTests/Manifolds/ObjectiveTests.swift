// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowTensor
import Testing

@Suite("Objectives")
struct ObjectiveTests {
  private static let samplers: [JumpPairs] = [
    .diagonal(), .everyRow(atOne: 0), .everyRow(atOne: 0.4), .triangle(diagonal: 0.75),
    .logitNormal(LogitNormal(mean: -0.4, deviation: 1), LogitNormal(mean: -0.4, deviation: 1), diagonal: 0.5),
    .length(LogitNormal(mean: -0.8, deviation: 1), landing: LogitNormal(mean: -0.4, deviation: 1)),
    .fromNoise, .toData(gap: 0.1, diagonal: 0.25),
  ]

  @Test("times are ordered, inside, and enough", arguments: samplers)
  func times(sampler: JumpPairs) {
    var random = Random(key: 1)
    let times = sampler.sample(1000, &random)
    #expect(times.diagonal.count == times.diagonalTimes.count)
    #expect([times.r.count, times.s.count, times.t.count].allSatisfy { $0 == times.jumps.count })
    #expect(times.diagonalTimes.allSatisfy { $0 > 0 && $0 < 1 })
    for i in times.r.indices {
      #expect(times.r[i] >= 0 && times.r[i] < times.s[i] && times.s[i] < times.t[i] && times.t[i] <= 1)
    }
    #expect(Set(times.diagonal).union(times.jumps) == Set(0..<1000))
  }

  @Test("generalised flow maps' times: r uniform, t uniform above it")
  func everyRow() {
    var random = Random(key: 2)
    let times = JumpPairs.everyRow(atOne: 0).sample(20_000, &random)
    #expect(times.diagonalTimes == times.r)
    let mean = { (x: [Float]) in x.reduce(0, +) / Float(x.count) }
    #expect(abs(mean(times.r) - 0.5) < 0.01)
    #expect(abs(mean(zip(times.r, times.t).map { ($1 - $0) / (1 - $0) }) - 0.5) < 0.01)
  }

  @Test("a share of jumps starts at 1")
  func atOne() {
    var random = Random(key: 2)
    let times = JumpPairs.everyRow(atOne: 0.3).sample(20_000, &random)
    #expect(abs(Float(times.t.count { $0 == 1 }) / 20_000 - 0.3) < 0.01)
  }

  @Test("the diagonal's loss of the conditional field is the spread of velocities, and of the exact one 0")
  func diagonal() {
    let flow = ExactFlow(.contraction, "sphere(2)")
    let objective = Objective(
      path: GeodesicPath(flow.manifold), pairs: .everyRow(atOne: 0), target: Semigroup())
    var random = Random(key: 3)
    let noise = Variable(flow.manifold.samplePrior(200, &random))
    let data = flow.end.broadcast(to: noise.shape)
    let loss = objective.loss(data: data, noise: noise, online: flow.map, teacher: flow.map, &random)
    #expect(abs(loss.diagonal.tensor.item) < 1e-6 && abs(loss.jumps.tensor.item) < 1e-6)
    let still = ManifoldMap(flow.manifold) { z, _, _ in 0 * z }
    var again = Random(key: 3)
    let other = objective.loss(data: data, noise: noise, online: still, teacher: still, &again)
    let square = flow.manifold.distance(data, noise).map(.square).mean().tensor.item
    #expect(abs(other.diagonal.tensor.item - square) < 1e-3 * square)
  }

  @Test("weights multiply errors as their formulas say")
  func weights() {
    let flow = ExactFlow(.rotation, "sphere(2)")
    let wrong = ManifoldMap(flow.manifold) { z, r, t in
      flow.map.velocity(z, r: r, t: t) + 0.2 * z.flipped(axis: 1)
    }
    let loss = { (weight: JumpWeight) in
      var random = Random(key: 3)
      let objective = Objective(
        path: GeodesicPath(flow.manifold), pairs: .toData(gap: 0.5, diagonal: 0), target: Semigroup(),
        weight: weight,
        diagonalWeight: 0)
      let data = Variable(flow.manifold.samplePrior(1, &random)),
        noise = Variable(flow.manifold.samplePrior(1, &random))
      var times = random
      let t = JumpPairs.toData(gap: 0.5, diagonal: 0).sample(1, &times).t[0]
      let loss = objective.loss(data: data, noise: noise, online: wrong, teacher: wrong, &random)
      return (loss.jumps.tensor.item, t)
    }
    let (plain, t) = loss(.none)
    let close = { (a: Float, b: Float) in abs(a - b) < 1e-4 * abs(b) }
    #expect(plain > 0 && close(loss(.interval).0, plain * t))
    #expect(close(loss(.inverseSquareInterval).0, plain / (t * t)))
    #expect(close(loss(.adaptive(power: 1, offset: 0.01)).0, plain / (plain + 0.01)))
  }
}
