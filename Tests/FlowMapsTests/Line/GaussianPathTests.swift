// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowMaps
import FlowTensor
import Glibc
import Testing

/// Card 1: the paths of diffusion are the linear one by another clock.
@Suite("Gaussian paths")
struct GaussianPathTests {
  static let paths: [any GaussianPath] = [
    StraightPath(), VariancePreservingPath(), DiscretePath(), VarianceExplodingPath(), TrigonometricPath(),
    TrigonometricPath(deviation: 0.5),
  ]
  static let shares = [0.01, 0.2, 0.5, 0.8, 0.99]

  private static func inside(_ path: any GaussianPath) -> [Double] {
    shares.map { path.times.lowerBound + $0 * (path.times.upperBound - path.times.lowerBound) }
  }

  @Test("slopes are the derivatives", arguments: paths.indices)
  func slopes(index: Int) {
    let path = Self.paths[index]
    for t in Self.inside(path) {
      // Halfway between steps the discrete path is smooth too.
      let t = path is DiscretePath ? t.rounded(.down) + 0.5 : t, h = 1e-6 * t
      let (before, here, after) = (path.place(at: t - h), path.place(at: t), path.place(at: t + h))
      #expect(abs((after.data - before.data) / (2 * h) - here.dataSlope) < 1e-6 * (1 + abs(here.dataSlope)))
      #expect(
        abs((after.noise - before.noise) / (2 * h) - here.noiseSlope) < 1e-6 * (1 + abs(here.noiseSlope)))
    }
  }

  @Test("a time of the linear path is found again", arguments: paths.indices)
  func clock(index: Int) {
    let path = Self.paths[index]
    for t in Self.inside(path) {
      let back = path.time(ofLinear: path.place(at: t).linearTime)
      // Where the noise drowns the data, 1 − τ has few digits left.
      #expect(abs(back - t) < 1e-6 * path.times.upperBound, "\(path): \(back), not \(t)")
    }
  }

  @Test("DDPM's products: nearly all data after a step, nearly none after a thousand")
  func discrete() {
    let path = DiscretePath()
    #expect(abs(pow(path.place(at: 1).data, 2) - 0.9999) < 1e-12)
    #expect(abs(pow(path.place(at: 2).data, 2) - 0.9999 * (1 - 1e-4 - 0.0199 / 999)) < 1e-12)
    // The known leak of this schedule.
    #expect(abs(path.place(at: 1000).data - 0.00635) < 1e-4)
  }

  @Test("the levels of Karras et al. fall from the greatest to the least")
  func levels() {
    let levels = VarianceExplodingPath().levels(18)
    #expect(abs(levels[0] - 80) < 1e-9 && abs(levels[17] - 0.002) < 1e-12)
    #expect(zip(levels, levels.dropFirst()).allSatisfy { $0 > $1 })
    #expect(abs(levels[1] - 57.586) < 1e-2)
  }

  /// D of the mixture on a path, from its values on the linear one.
  private static func data(_ law: MixtureOnALine, _ z: [Float], _ p: PathPlace) -> Variable {
    Variable(
      Tensor(
        z.map { Float(law.data(p.linearScale * Double($0), p.linearTime)) }, shape: [z.count, 1]))
  }

  @Test("predictions are converted into each other and back", arguments: paths.indices)
  func conversions(index: Int) {
    let path = Self.paths[index], law = MixtureOnALine.normal
    for t in Self.inside(path) {
      let p = path.place(at: t), scale = Float(1 / p.linearScale)
      let z = [-1.5, -0.2, 0.3, 2].map { Float($0) * scale }
      let state = Variable(Tensor(z, shape: [z.count, 1]))
      let data = Self.data(law, z, p), noise = (state - Float(p.data) * data) / Float(p.noise)
      for prediction in Prediction.allCases {
        let value = prediction.value(data: data, noise: noise, at: p)
        let (d, e) = prediction.parts(value, state: state, at: p)
        // What float32 loses is what the smaller part is of the state.
        #expect(
          distance(d, data) < 1e-5 * Float(max(1, p.noise / p.data)),
          "\(prediction) at \(t): \(distance(d, data))")
        #expect(
          distance(e, noise) < 1e-5 * Float(max(1, p.data / p.noise)),
          "\(prediction) at \(t): \(distance(e, noise))"
        )
      }
    }
  }

  @Test("the score is the derivative of the log density")
  func score() {
    let law = MixtureOnALine.two, path = StraightPath()
    for t in [0.1, 0.4, 0.9] {
      let p = path.place(at: t)
      for z in [-1.3, -0.1, 0.6] {
        let d = law.data(z, t), e = (z - p.data * d) / p.noise, h = 1e-5
        let derivative = (law.logDensity(z + h, t) - law.logDensity(z - h, t)) / (2 * h)
        #expect(abs(-e / p.noise - derivative) < 1e-7)
        let found = Prediction.score.value(data: Variable(Float(d)), noise: Variable(Float(e)), at: p)
        #expect(abs(Double(found.tensor.item) - derivative) < 1e-5 * max(1, abs(derivative)))
      }
    }
  }

  @Test("what a loss on a prediction weighs a time by", arguments: paths.indices)
  func weights(index: Int) {
    let path = Self.paths[index]
    for t in Self.inside(path) {
      let p = path.place(at: t), error = 0.125
      // The same state twice, with velocities of the linear path that differ by the error.
      let parts = [0.5, 0.5 + error].map { v in
        (data: Variable(Float(0.3 - p.linearTime * v)), noise: Variable(Float(0.3 + (1 - p.linearTime) * v)))
      }
      for prediction in Prediction.allCases {
        let values = parts.map { prediction.value(data: $0.data, noise: $0.noise, at: p).tensor.item }
        let found = pow(Double(values[1] - values[0]), 2) / (error * error)
        let wanted = prediction.weight(at: p)
        let lost = 1e-5 * pow(Double(values[0]), 2) + 1e-6
        #expect(abs(found - wanted) < 1e-4 * wanted + lost, "\(prediction) at \(t): \(found), not \(wanted)")
      }
    }
  }

  /// DDPM's loss has a floor: Var(e given z)·d = ᾱc²/(ᾱc² + 1 − ᾱ) for N(0, c²).
  @Test(
    "the best prediction of the noise misses by what is known",
    arguments: [(0.9, 0.6923), (0.5, 0.2), (0.1, 0.02703)])
  func ddpmFloor(kept: Double, wanted: Double) {
    let law = MixtureOnALine(means: [0], deviation: 0.5), count = 200_000
    let p = PathPlace(data: kept.squareRoot(), noise: (1 - kept).squareRoot(), dataSlope: 0, noiseSlope: 0)
    var random = Random(key: 4)
    let x = Variable(law.samples(count, &random)), e = Variable(random.normal([count, 1]))
    let z = Float(p.data) * x + Float(p.noise) * e
    let noise = (z - Float(p.data) * Self.data(law, z.tensor.elements, p)) / Float(p.noise)
    let loss = Double((e - noise).map(.square).mean().tensor.item)
    #expect(abs(loss - wanted) < 0.01 * wanted, "\(loss), not \(wanted)")
  }
}

/// The largest difference of two; infinite if one is not a number.
func distance(_ x: Variable, _ y: Variable) -> Float { largest((x - y).tensor) }
