// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowNN
import FlowTensor
import Glibc

@testable import FlowTraining

/// A law of data on a line, whose samples by a flow map are known.
enum LineLaw {
  /// N(0.7, 0.5²).
  case normal
  /// ½ N(−1, 0.2²) + ½ N(1, 0.2²).
  case two

  func sample(_ count: Int, _ random: inout Random) -> Tensor {
    let normal = random.normal([count, 1])
    switch self {
    case .normal: return normal.affine(scale: 0.5, shift: 0.7)
    case .two:
      let sides = Tensor(random.uniforms(count).map { $0 < 0.5 ? -1 : 1 }, shape: [count, 1])
      return Tensor.combine(.add, normal.affine(scale: 0.2), sides)
    }
  }

  private func distribution(_ x: Double) -> Double {
    let normal = { (mean: Double, deviation: Double) in
      erfc((mean - x) / (deviation * 2.0.squareRoot())) / 2
    }
    return self == .normal ? normal(0.7, 0.5) : (normal(-1, 0.2) + normal(1, 0.2)) / 2
  }

  /// Quantiles in the middles of `count` equal shares.
  func quantiles(_ count: Int) -> [Double] { Self.quantiles(count, of: distribution) }

  /// Those of the standard normal law.
  static func noise(_ count: Int) -> [Double] { quantiles(count) { erfc(-$0 / 2.0.squareRoot()) / 2 } }

  private static func quantiles(_ count: Int, of distribution: (Double) -> Double) -> [Double] {
    (0..<count).map { index in
      let p = (Double(index) + 0.5) / Double(count)
      var (least, most) = (-10.0, 10.0)
      for _ in 0..<40 {
        let middle = (least + most) / 2
        if distribution(middle) < p { least = middle } else { most = middle }
      }
      return (least + most) / 2
    }
  }
}

/// A network of three layers of 32, trained by a method on a law: Adam at 2·10⁻³ that falls to 0 over the second half,
/// batches of 256, averaged weights.
struct LineGate {
  private let map: ManifoldMap
  private let law: LineLaw

  init(_ objective: Objective, teacher: ObjectiveRecipe.Teacher = .own, on law: LineLaw = .normal, steps: Int)
  {
    let model = MLP(MLPConfiguration(input: 1, output: 1, width: 32, layers: 3, times: .everyLayer))
    let map = { (p: Parameters) in
      ManifoldMap(Euclidean(dimension: 1)) { z, r, t in model(z, r: r, t: t, p) }
    }
    let averages = trainedAverages(model.layout, steps: steps) { p, average, progress, random in
      let data = Variable(law.sample(256, &random)), noise = Variable(random.normal([256, 1]))
      var maps = ObjectiveMaps(online: map(p), teacher: map(teacher == .average ? average : p.detached))
      maps.teacherIsOnline = teacher == .own
      let loss = objective.loss(data: data, noise: noise, maps: maps, progress: progress, &random)
      return loss.diagonal + loss.jumps
    }
    self.map = map(Parameters(averages))
    self.law = law
  }

  /// By the parts of a recipe.
  init(_ recipe: ObjectiveRecipe, on law: LineLaw = .normal, steps: Int) {
    self.init(
      recipe.objective(on: Euclidean(dimension: 1)), teacher: recipe.teacher ?? .own, on: law, steps: steps)
  }

  /// Where some jumps lead from the quantiles of the noise.
  func ends(jumps: Int, by step: ManifoldStep = .jump) -> [Double] {
    let noise = LineLaw.noise(2000).map { Float($0) }
    return map.sample(Tensor(noise, shape: [2000, 1]), schedule: uniformSchedule(steps: jumps), by: step)
      .elements.map { Double($0) }
  }

  /// The distance W₂ between where they lead and the law: on a line optimal transport pairs what is sorted.
  func distance(jumps: Int, by step: ManifoldStep = .jump) -> Double {
    let square = zip(ends(jumps: jumps, by: step).sorted(), law.quantiles(2000)).reduce(0) {
      $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
    }
    return (square / 2000).squareRoot()
  }
}
