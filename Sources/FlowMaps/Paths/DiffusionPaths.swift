// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The variance-preserving diffusion of continuous time, β(t) = β₀ + t·(β₁ − β₀): a² = exp(−∫β), a² + b² = 1 (Song et al.
/// 2021, equation 32).
public struct VariancePreservingPath: GaussianPath {
  private let first: Double
  private let last: Double

  /// The path of these rates of noise at the beginning and at the end.
  public init(beta first: Double = 0.1, to last: Double = 20) {
    precondition(first > 0 && last >= first, "VariancePreservingPath: β from \(first) to \(last)")
    (self.first, self.last) = (first, last)
  }

  /// 10⁻⁵…1: at 0 the velocity of the noise has no bound.
  public var times: ClosedRange<Double> { 1e-5...1 }

  /// Where the path is at a time.
  public func place(at t: Double) -> PathPlace {
    let rate = first + t * (last - first), spent = t * first + t * t * (last - first) / 2
    let a = exp(-spent / 2), b = (-expm1(-spent)).squareRoot()
    // a² + b² = 1, so a·a′ + b·b′ = 0.
    return PathPlace(data: a, noise: b, dataSlope: -rate * a / 2, noiseSlope: rate * a * a / (2 * b))
  }
}

/// The diffusion of DDPM: `steps` steps of rates β from `first` to `last`, a² the product of 1 − β so far (Ho et al. 2020).
///
/// Time is the number of steps taken, 1…steps; between two the path goes straight in log a².
public struct DiscretePath: GaussianPath {
  /// log a² after 0, 1, … steps.
  private let logs: [Double]

  /// The path of equally spaced rates.
  public init(steps: Int = 1000, beta first: Double = 1e-4, to last: Double = 0.02) {
    precondition(
      steps > 1 && first > 0 && last >= first && last < 1, "DiscretePath: β from \(first) to \(last)")
    logs = (0..<steps).reduce(into: [0]) { logs, step in
      let beta = first + (last - first) * Double(step) / Double(steps - 1)
      logs.append(logs.last! + log1p(-beta))
    }
  }

  /// 1…steps.
  public var times: ClosedRange<Double> { 1...Double(logs.count - 1) }

  /// Where the path is at a time.
  public func place(at t: Double) -> PathPlace {
    let before = min(max(Int(t.rounded(.up)) - 1, 0), logs.count - 2)
    let slope = logs[before + 1] - logs[before], spent = logs[before] + (t - Double(before)) * slope
    let a = exp(spent / 2), b = (-expm1(spent)).squareRoot()
    return PathPlace(data: a, noise: b, dataSlope: slope * a / 2, noiseSlope: -slope * a * a / (2 * b))
  }
}

/// The variance-exploding diffusion, a = 1, b = σ, whose time is σ itself (Karras et al. 2022).
public struct VarianceExplodingPath: GaussianPath {
  /// The least and the greatest σ.
  public let times: ClosedRange<Double>

  /// The path between two levels of noise.
  public init(_ levels: ClosedRange<Double> = 0.002...80) {
    precondition(levels.lowerBound > 0, "VarianceExplodingPath: σ from \(levels.lowerBound)")
    times = levels
  }

  /// Where the path is at a time.
  public func place(at t: Double) -> PathPlace {
    PathPlace(data: 1, noise: t, dataSlope: 0, noiseSlope: 1)
  }

  /// Levels from the greatest to the least, equally spaced in σ^(1/ρ) (Karras et al. 2022, equation 5).
  public func levels(_ count: Int, rho ρ: Double = 7) -> [Double] {
    precondition(count > 1, "VarianceExplodingPath: \(count) levels")
    let (least, most) = (pow(times.lowerBound, 1 / ρ), pow(times.upperBound, 1 / ρ))
    return (0..<count).map { pow(most + Double($0) / Double(count - 1) * (least - most), ρ) }
  }
}

/// a = cos t, b = σ·sin t, with t from 0 to π/2: TrigFlow (Lu and Song 2024), where data have the deviation σ.
public struct TrigonometricPath: GaussianPath {
  private let deviation: Double

  /// The path for data of a deviation.
  public init(deviation: Double = 1) {
    precondition(deviation > 0, "TrigonometricPath: deviation \(deviation)")
    self.deviation = deviation
  }

  /// 0…π/2.
  public var times: ClosedRange<Double> { 0...Double.pi / 2 }

  /// Where the path is at a time.
  public func place(at t: Double) -> PathPlace {
    PathPlace(
      data: cos(t), noise: deviation * sin(t), dataSlope: -sin(t), noiseSlope: deviation * cos(t))
  }
}
