// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowTensor
import Testing

@Suite("Jump targets")
struct TargetTests {
  static let targets: [(name: String, target: any JumpTarget)] = [
    ("Lagrangian", Lagrangian()), ("Lagrangian regression", LagrangianRegression()), ("Eulerian", Eulerian()),
    ("Semigroup", Semigroup()),
    ("MeanFlow, own motion", ManifoldMeanFlow(motion: .own)),
    ("MeanFlow, path's motion", ManifoldMeanFlow(motion: .path)), ("Consistency", Consistency()),
  ]

  @Test("an exact flow map has no error under any target", arguments: ExactFlow.all, targets.indices)
  func exact(flow: ExactFlow, index: Int) {
    let error = Self.targets[index].target.error(flow.batch(), online: flow.map, teacher: flow.map)
    #expect(error.shape == [32, 1])
    // Squares; rows far out in hyperbolic space are good to fewer digits.
    let allowed: Float = ExactFlow.compact.contains { $0.manifold.name == flow.manifold.name } ? 4e-9 : 1e-6
    #expect(largest(error.tensor) < allowed, "\(Self.targets[index].name): \(largest(error.tensor))")
  }

  @Test("under the published code's Eulerian target, which brings no velocity along, it has one")
  func published() {
    let flow = ExactFlow(.contraction, "sphere(2)")
    let target = Eulerian(pushforward: .projection)
    let error = target.error(flow.batch(), online: flow.map, teacher: flow.map)
    #expect(error.mean().tensor.item > 0.1, "\(error.mean().tensor.item)")
  }

  @Test("a map that is not the flow's has an error under every target", arguments: targets.indices)
  func wrong(index: Int) {
    let flow = ExactFlow(.rotation, "sphere(2)")
    let wrong = ManifoldMap(flow.manifold) { z, r, t in
      flow.map.velocity(z, r: r, t: t) + 0.3 * (t - r) * z.flipped(axis: 1)
    }
    let error = Self.targets[index].target.error(flow.batch(), online: wrong, teacher: wrong)
    #expect(error.mean().tensor.item > 1e-4, "\(Self.targets[index].name): \(error.mean().tensor.item)")
  }

  @Test("without data: a given flow's map has no error from noise, and the flow backwards has one")
  func withoutData() {
    let flow = ExactFlow(.rotation, "sphere(2)")
    let velocity: ObjectiveMaps.Field = { flow.map.velocity($0, at: $1) }
    var random = Random(key: 6)
    let noise = Variable(flow.manifold.samplePrior(64, &random)), still = Variable(.zeros([64, 3]))
    let times = JumpPairs.fromNoise.sample(64, &random)
    #expect(times.t.allSatisfy { $0 == 1 } && times.diagonal.isEmpty)
    let column = { (times: [Float]) in Variable(Tensor(times, shape: [64, 1])) }
    let error = { (known: @escaping ObjectiveMaps.Field, map: ManifoldMap) in
      let batch = JumpBatch(
        z: noise, velocity: still, path: { _ in still }, r: column(times.r), s: column(times.s),
        t: column(times.t), known: known)
      return LagrangianRegression().error(batch, online: map, teacher: map).mean().tensor.item
    }
    #expect(error(velocity, flow.map) < 1e-8, "\(error(velocity, flow.map))")
    #expect(error({ -velocity($0, $1) }, flow.map) > 0.1)
  }

  @Test("a pushforward longer than allowed is shortened, a shorter one left alone")
  func clipped() {
    let flow = ExactFlow(.rotation, "sphere(2)"), batch = flow.batch()
    let error = { (clip: Float) in
      Eulerian(clip: clip).error(batch, online: flow.map, teacher: flow.map).tensor
    }
    // The flow's velocity is 0.8 at the equator; without it the motion stands alone.
    #expect(largest(error(0.81)) < 2e-9 && largest(error(0.4)) > 0.01)
  }
}
