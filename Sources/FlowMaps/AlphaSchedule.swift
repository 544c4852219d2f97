// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// How AlphaFlow's α falls from 1 to 0 in a training: 1 − σ(25·(k − (k₀ + k₁)/2)/(k₁ − k₀)), 1 where that is above
/// 1 − clamp and 0 where it is below clamp, which means the limit, MeanFlow.
public struct AlphaSchedule: Sendable, Equatable, Codable {
  /// k₀, where α begins to fall.
  public var first: Double
  /// k₁, where it has fallen.
  public var last: Double
  /// How near 1 and 0 are taken for them.
  public var clamp: Double

  private enum CodingKeys: String, CodingKey {
    case first = "from"
    case last = "to"
    case clamp
  }

  /// A fall between two steps, or two shares of a training.
  public init(from first: Double, to last: Double, clamp: Double = 5e-3) {
    precondition(last > first && clamp >= 0 && clamp < 0.5, "AlphaSchedule: from \(first) to \(last)")
    (self.first, self.last, self.clamp) = (first, last, clamp)
  }

  /// From `from` and `to`; `clamp` may be absent.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    first = try values.decode(Double.self, forKey: .first)
    last = try values.decode(Double.self, forKey: .last)
    clamp = try values.decodeIfPresent(Double.self, forKey: .clamp) ?? 5e-3
  }

  /// α at step k.
  public func share(at k: Double) -> Double {
    let α = 1 / (1 + exp(25 * (k - (first + last) / 2) / (last - first)))
    return α < clamp ? 0 : α > 1 - clamp ? 1 : α
  }
}
