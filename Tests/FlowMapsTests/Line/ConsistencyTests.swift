// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowTensor
import Glibc
import Testing

/// Card 5a: consistency models on N(0, 0.5²), whose fixed points are known.
@Suite("Consistency on a line")
struct ConsistencyTests {
  private static let law = MixtureOnALine(means: [0], deviation: 0.5)

  /// What a linear consistency model f_n(x) = a_n·x learns at each level σ_n, from a_0 = 1 at the least.
  private static func factors(_ levels: [Double], _ step: Consistency.Step) -> [Double] {
    let c = law.deviation * law.deviation
    return zip(levels, levels.dropFirst()).reduce(into: [1.0]) { factors, pair in
      let (σ, next) = pair
      switch step {
      // The regression of x + σe on x + σ'e.
      case .path: factors.append(factors.last! * (c + σ * next) / (c + next * next))
      // x' + (σ − σ')(x' − D)/σ' with D = c·x'/(c + σ'²).
      case .flow: factors.append(factors.last! * (1 + (σ - next) * next / (c + next * next)))
      // dx/dσ = x·σ/(c + σ²) at both ends.
      case .heun:
        let length = σ - next, first = next / (c + next * next)
        let last = (1 + length * first) * σ / (c + σ * σ)
        factors.append(factors.last! * (1 + length / 2 * (first + last)))
      }
    }
  }

  private static func levels(_ count: Int) -> [Double] { VarianceExplodingPath().levels(count).reversed() }

  /// The map f on the linear path, where a state is 1/(1 + σ) of what it is: z ↦ (1 + σ)/(1 + σ₀)·a(σ)·z, times α.
  private static func map(_ levels: [Double], _ factors: [Double], scaled α: Variable) -> ManifoldMap {
    ManifoldMap(Euclidean(dimension: 1)) { z, r, t in
      let isDiagonal = r.tensor.elements == t.tensor.elements
      let rows = t.tensor.elements.map { t -> (factor: Float, length: Float) in
        let σ = Double(t) / (1 - Double(t))
        let level = levels.indices.min { abs(levels[$0] / σ - 1) < abs(levels[$1] / σ - 1) }!
        let factor = (1 + levels[level]) / (1 + levels[0]) * factors[level]
        return (Float(factor), Float(levels[level] / (1 + levels[level]) - levels[0] / (1 + levels[0])))
      }
      if isDiagonal {
        return elementwise(z, r, t) { z, _, t in law.velocity(z, t) }
      }
      let column = { (values: [Float]) in Variable(Tensor(values, shape: [values.count, 1])) }
      let length = column(rows.map { max($0.length, 1e-7) })
      return (z - α * column(rows.map(\.factor)) * z) / length
    }
  }

  @Test(
    "the fixed points have the spread that is known",
    arguments: [
      (10, 0.36522, 0.60981), (18, 0.42304, 0.52763), (40, 0.46486, 0.50488), (80, 0.48233, 0.50115),
      (150, 0.49055, 0.50032), (1000, 0.49857, 0.50000),
    ])
  func spread(count: Int, first: Double, second: Double) {
    let levels = Self.levels(count), c = Self.law.deviation * Self.law.deviation
    for step in Consistency.Step.allCases {
      let found = Self.factors(levels, step).last! * (c + 80 * 80).squareRoot()
      let wanted = step == .heun ? second : first
      #expect(abs(found - wanted) < 5e-3 * wanted, "\(step): \(found)")
    }
  }

  @Test(
    "at its fixed point a target pulls neither up nor down, elsewhere it does",
    arguments: Consistency.Step.allCases)
  func stationary(step: Consistency.Step) {
    let count = 200_000, pairs = JumpPairs.levels(ConsistencyLevels(18)), levels = Self.levels(18)
    var random = Random(key: 17)
    let x = Variable(Self.law.samples(count, &random)), e = Variable(random.normal([count, 1]))
    let times = pairs.sample(count, &random)
    let column = { (times: [Float]) in Variable(Tensor(times, shape: [count, 1])) }
    let path = { (time: Variable) in (1 - time) * x + time * e }
    let t = column(times.t)
    let batch = JumpBatch(
      z: path(t), velocity: e - x, path: path, r: column(times.r), s: column(times.s), t: t)
    let pull = { (factors: [Double]) -> (mean: Double, error: Double) in
      let one = Variable(Tensor([1], shape: [1, 1]))
      let teacher = Self.map(levels, factors, scaled: one)
      let slope = jvp(at: [one], along: [one]) {
        Consistency(step: step).error(
          batch, online: Self.map(levels, factors, scaled: $0[0]), teacher: teacher)
      }.tangent.tensor.elements
      return (mean(slope), deviation(slope) / Double(count).squareRoot())
    }
    let still = pull(Self.factors(levels, step))
    #expect(abs(still.mean) < 4 * still.error + 1e-5, "\(still)")
    let other = Self.factors(levels, step).enumerated().map { $1 * (1 + 0.02 * Double($0)) }
    let moved = pull(other)
    #expect(abs(moved.mean) > 10 * moved.error, "\(moved)")
  }

  @Test("training's levels grow as published, distillation's stay")
  func schedule() {
    let levels = ConsistencyLevels(2, to: 150)
    let counts = [0, 0.25, 0.5, 1].map { levels.count(at: $0) }
    #expect(counts == [2, 76, 107, 151])
    #expect(ConsistencyLevels(18).count(at: 0.7) == 18)
    #expect(abs(levels.averageDecay(0.9, at: 0) - 0.9) < 1e-12)
    #expect(levels.averageDecay(0.9, at: 1) > 0.998)
  }

  /// Card 4b: what is wrong with a consistency model comes back with every restart, what is right stays.
  @Test("restarts keep the law under the exact map, and add up a model's error", arguments: [Float(1), 1.1])
  func restarts(factor: Float) {
    // The affine map of N(0.7, 0.5²) to the data, its spread off by a factor.
    let map = ManifoldMap(Euclidean(dimension: 1)) { z, _, t in
      let spread = ((0.25 * (1 - t)) * (1 - t) + t * t).map(.sqrt)
      let data = 0.7 + (0.5 * factor) / spread * (z - 0.7 * (1 - t))
      return (z - data) / t
    }
    let count = 50_000
    let made = ([[1, 0], [1, 0.5, 0.5, 0.5, 0.5, 0.5, 0]] as [[Float]]).map { schedule -> Double in
      var random = Random(key: 9)
      let samples = map.sampleRenoising(
        random.normal([count, 1]), schedule: schedule, along: GeodesicPath(Euclidean(dimension: 1)), &random
      ) { $1.normal([$0, 1]) }
      #expect(abs(mean(samples.elements) - 0.7) < 0.01)
      return deviation(samples.elements)
    }
    if factor == 1 {
      #expect(made.allSatisfy { abs($0 - 0.5) < 0.008 }, "\(made)")
    } else {
      // A restart at ½ makes V into q²·(V + 1)/5: not 1.1²/4 but 0.319 in the end, a deviation of 0.565.
      #expect(abs(made[0] - 0.55) < 0.006 && abs(made[1] - 0.565) < 0.006, "\(made)")
    }
  }

  @Test("the least level is its own image")
  func boundary() {
    let levels = ConsistencyLevels(18).times(at: 0)
    let z = Variable(Tensor([0.3, -2], shape: [2, 1])), time = column(levels[0], 2)
    let map = ManifoldMap(Euclidean(dimension: 1)) { z, _, _ in 7 * z + 3 }
    #expect(map.jump(z, from: time, to: time).tensor.elements == z.tensor.elements)
    #expect(zip(levels, levels.dropFirst()).allSatisfy { $0 < $1 })
    #expect(abs(levels[17] - 80.0 / 81) < 1e-12 && abs(levels[0] - 0.002 / 1.002) < 1e-12)
  }
}
