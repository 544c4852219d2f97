// SPDX-License-Identifier: Apache-2.0

public import FlowTensor
internal import Glibc

/// The law of σ(mean + deviation·n) for a standard normal n: times that crowd where its middle is.
public struct LogitNormal: Sendable, Equatable, Codable {
  /// Of the logit.
  public var mean: Double
  /// Of the logit.
  public var deviation: Double

  /// The law.
  public init(mean: Double, deviation: Double) {
    precondition(deviation > 0, "LogitNormal: deviation \(deviation)")
    (self.mean, self.deviation) = (mean, deviation)
  }

  /// `count` times.
  public func sample(_ count: Int, _ random: inout Random) -> [Float] {
    random.normal([count]).elements.map { 1 / (1 + exp(-(Float(mean) + Float(deviation) * $0))) }
  }

  /// P(time ≤ t).
  public func distribution(_ t: Double) -> Double {
    if t <= 0 { return 0 }
    if t >= 1 { return 1 }
    return erfc(-(log(t / (1 - t)) - mean) / (deviation * 2.squareRoot())) / 2
  }

  /// The time that a share p of times does not pass, to 10⁻⁹.
  public func quantile(_ p: Double) -> Double {
    var (least, most) = (0.0, 1.0)
    for _ in 0..<30 {
      let middle = (least + most) / 2
      if distribution(middle) < p { least = middle } else { most = middle }
    }
    return (least + most) / 2
  }
}
