// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowNN
import FlowTensor
import Glibc
import Testing

@testable import FlowTraining

/// Card 22: a meta flow map of three normal laws in the plane, trained from nothing: one jump from noise samples the
/// posterior of a noised point.
@Suite("Gates in the plane")
struct PosteriorGateTests {
  private static let means: [(x: Double, y: Double)] = [(-3, 0), (3, 0), (0, 3)]
  private static let variance = 0.5

  @Test("one jump samples the posterior of a noised point, its parts by their weights")
  func posterior() {
    let map = Self.trained(steps: 5000)
    let noise = { (count: Int) in
      var random = Random(key: 5)
      return Variable(random.normal([count, 2]))
    }
    for (t, given) in [(0.6, (x: 0.2, y: 0.6)), (0.75, (x: -0.4, y: 0.1)), (0.9, (x: 0.6, y: -0.3))] {
      let count = 8000
      let point = Variable(Tensor([Float(given.x), Float(given.y)], shape: [1, 2])).broadcast(to: [count, 2])
      let made = map(point, Float(t)).jump(noise(count), from: column(1, count), to: column(0, count))
      let found = Self.shares(made.tensor.elements), wanted = Self.weights(given, t)
      for (found, wanted) in zip(found, wanted) {
        #expect(abs(found - wanted) < 0.02, "at \(t): \(found), not \(wanted)")
      }
    }
  }

  /// π_k N(x_t; (1 − t)·m_k, (1 − t)²·S + t²), normalised.
  private static func weights(_ given: (x: Double, y: Double), _ t: Double) -> [Double] {
    let spread = (1 - t) * (1 - t) * variance + t * t
    let all = means.map { mean in
      exp(-(pow(given.x - (1 - t) * mean.x, 2) + pow(given.y - (1 - t) * mean.y, 2)) / (2 * spread))
    }
    return all.map { $0 / all.reduce(0, +) }
  }

  /// The share of points whose nearest mean each is.
  private static func shares(_ points: [Float]) -> [Double] {
    var counts = [Double](repeating: 0, count: 3)
    for first in stride(from: 0, to: points.count, by: 2) {
      let away = means.map { pow(Double(points[first]) - $0.x, 2) + pow(Double(points[first + 1]) - $0.y, 2) }
      counts[(0..<3).min { away[$0] < away[$1] }!] += 1
    }
    return counts.map { $0 / Double(points.count / 2) }
  }

  private static func points(_ count: Int, _ random: inout Random) -> Tensor {
    let normal = random.normal([count, 2]).elements
    let which = random.uniforms(count).map { min(2, Int($0 * 3)) }
    let values = (0..<count).flatMap { row -> [Float] in
      let mean = means[which[row]], spread = Float(variance.squareRoot())
      return [Float(mean.x) + spread * normal[2 * row], Float(mean.y) + spread * normal[2 * row + 1]]
    }
    return Tensor(values, shape: [count, 2])
  }

  /// The exact denoiser E[data given x_t].
  private static func denoised(_ x: Variable, _ t: Variable) -> Variable {
    let kept = 1 - t, spread = kept * kept * Float(variance) + t * t
    let centres = means.map { Variable(Tensor([Float($0.x), Float($0.y)], shape: [1, 2])) }
    let away = centres.map { centre in
      (x - kept * centre).map(.square).sum(axes: [1], keepingAxes: true) / (-2 * spread)
    }
    let shares = concatenate(away, axis: 1).softmax()
    return centres.enumerated().map { index, centre in
      let own = centre + (Float(variance) * kept / spread) * (x - kept * centre)
      return shares.slice(axis: 1, index..<index + 1) * own
    }.reduce(Variable(0), +)
  }

  /// The map of given points at a time, trained by MeanFlow along the posterior's velocity, which the denoiser knows.
  private static func trained(steps: Int) -> (_ given: Variable, _ t: Float) -> ManifoldMap {
    let model = MLP(MLPConfiguration(input: 5, output: 2, width: 128, layers: 3, times: .everyLayer))
    let space = Euclidean(dimension: 2)
    let objective = ObjectiveRecipe.line(.meanFlow).objective(on: space)
    let map = { (given: Variable, outer: Variable, p: Parameters) in
      ManifoldMap(space) { z, r, t in model(concatenate([z, given, outer], axis: 1), r: r, t: t, p) }
    }
    let averages = trainedAverages(model.layout, steps: steps, rate: 3e-3) { p, _, _, random in
      let x = Variable(points(256, &random)), outer = OuterNoise.drawn(256, &random)
      let given = x + outer * (Variable(random.normal([256, 2])) - x)
      let noise = Variable(random.normal([256, 2]))
      let part = { (rows: Range<Int>, p: Parameters) in
        map(given.slice(axis: 0, rows), outer.slice(axis: 0, rows), p)
      }
      var maps = ObjectiveMaps(online: { part($0, p) }, teacher: { part($0, p.detached) })
      maps.teacherIsOnline = true
      maps.known = { rows in
        { z, s in
          posteriorVelocity(
            z, at: s, given: given.slice(axis: 0, rows), at: outer.slice(axis: 0, rows), denoiser: denoised)
        }
      }
      let loss = objective.loss(data: x, noise: noise, maps: maps, &random)
      return loss.diagonal + loss.jumps
    }
    return { given, t in map(given, column(t, given.shape[0]), Parameters(averages)) }
  }
}
