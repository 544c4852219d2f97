// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowTensor
import Testing

@testable import FlowTraining

/// C2: what holds for every shipped recipe, whatever it is made of, on N(0.7, 0.5²), with plain weights and no guidance.
@Suite("Invariants of every recipe")
struct InvariantTests {
  /// The slopes of a loss in α and β of the map α·u* + β, over many draws.
  struct Slopes {
    var mean: [Double]
    var error: [Double]
  }

  /// The average velocity of the law's flow, u* = −μ + (z − m_t)·((t + r) − c²(2 − t − r))/(s_t(s_t + s_r)).
  static func exact(_ z: Variable, _ r: Variable, _ t: Variable) -> Variable {
    let spread = { (t: Variable) in (0.25 * (1 - t).map(.square) + t.map(.square)).map(.sqrt) }
    let (start, end) = (spread(t), spread(r))
    let factor = ((t + r) - 0.25 * (2 - t - r)) / (start * (start + end))
    return factor * (z - 0.7 * (1 - t)) - 0.7
  }

  private static func slopes(_ name: String, at α: Float) throws -> Slopes {
    let recipe = try PictureRecipe(path: "\(PictureWorkshop.recipes)/\(name).yaml")
    var parts = recipe.objective
    (parts.weight, parts.guidance, parts.weighsDiagonal) = (nil, nil, nil)
    let space = Euclidean(dimension: 1), objective = parts.objective(on: space)
    let map = { (p: [Variable]) in
      ManifoldMap(space) { z, r, t in p[0] * Self.exact(z, r, t) + p[1] }
    }
    let values = [α, 0].map { Variable(Tensor([$0], shape: [1, 1])) }
    let found = (0..<24).map { draw -> [Double] in
      var random = Random(key: 8, stream: UInt64(draw) << 20)
      let data = Variable(random.normal([4000, 1]).affine(scale: 0.5, shift: 0.7))
      let noise = Variable(random.normal([4000, 1]))
      let slopes = gradient(at: values) { p in
        var maps = ObjectiveMaps(online: map(p), teacher: map(p.map(\.detached)))
        maps.teacherIsOnline = parts.teacher != .average
        if recipe.teacher?.gives.contains(.velocity) == true {
          maps.known = { _ in { z, t in Self.exact(z, t, t) } }
        }
        let loss = objective.loss(data: data, noise: noise, maps: maps, progress: 0.99, &random)
        return loss.diagonal + loss.jumps
      }
      return slopes.map { Double($0.tensor.item) }
    }
    let count = Double(found.count)
    let mean = (0..<2).map { index in found.reduce(0) { $0 + $1[index] } / count }
    let error = (0..<2).map { index in
      let square = found.reduce(0) { $0 + ($1[index] - mean[index]) * ($1[index] - mean[index]) }
      return (square / (count - 1) / count).squareRoot()
    }
    return Slopes(mean: mean, error: error)
  }

  /// Consistency with levels apart has a fixed point of its own, which ``ConsistencyTests`` know.
  static let continuous = PictureWorkshop.names.filter { !$0.hasPrefix("consistency") }

  @Test("at the exact map the loss has no slope", arguments: continuous)
  func stationary(name: String) throws {
    let found = try Self.slopes(name, at: 1)
    // A derivative that looks back misses by as much as its share, about.
    let back = Double(
      try PictureRecipe(path: "\(PictureWorkshop.recipes)/\(name).yaml").objective.backward ?? 0)
    for (mean, error) in zip(found.mean, found.error) {
      #expect(abs(mean) < 4 * error + 3e-3 + 0.2 * back, "\(found)")
    }
  }

  @Test("away from it the loss falls towards it", arguments: PictureWorkshop.names)
  func direction(name: String) throws {
    let low = try Self.slopes(name, at: 0.8), high = try Self.slopes(name, at: 1.25)
    #expect(low.mean[0] < -4 * low.error[0], "\(low)")
    #expect(high.mean[0] > 4 * high.error[0], "\(high)")
  }

  @Test("without jumps, and where r = t, every method is flow matching, to the bit")
  func degenerate() {
    let space = Euclidean(dimension: 1)
    let weights = [Variable(Tensor([0.7], shape: [1, 1])), Variable(Tensor([0.2], shape: [1, 1]))]
    let map = { (p: [Variable]) in
      ManifoldMap(space) { z, r, t in (p[0] * z + p[1] * (t + r)).map(.tanh) }
    }
    let z = Variable(Tensor([0.3, -1.2], shape: [2, 1])), v = Variable(Tensor([0.5, 1.1], shape: [2, 1]))
    let t = Variable(Tensor([0.4, 0.9], shape: [2, 1]))
    let slopes = { (loss: (ManifoldMap, ManifoldMap) -> Variable) in
      gradient(at: weights) { p in loss(map(p), map(p.map(\.detached))).sum() }.map(\.tensor.elements)
    }
    let plain = slopes { online, _ in (online.velocity(z, at: t) - v).map(.square) }
    let batch = JumpBatch(z: z, velocity: v, path: { _ in z }, r: t, s: t, t: t)
    for target in [ManifoldMeanFlow(clip: 1e6), ManifoldMeanFlow(motion: .derivativeOwn, clip: 1e6)] {
      #expect(slopes { target.error(batch, online: $0, teacher: $1) } == plain)
    }
  }
}
