// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The levels of noise that a consistency model learns at, N(p) of them at progress p:
/// N = ⌈√(p·((N₁ + 1)² − N₀²) + N₀²) − 1⌉ + 1, from N₀ to N₁ + 1 (Song et al. 2023, appendix C), or always as many.
public struct ConsistencyLevels: Sendable, Equatable, Codable {
  /// N₀.
  public var first: Int
  /// N₁; nil keeps N₀, as distillation does.
  public var last: Int?

  /// Levels that grow from `first` to one more than `last`, or stay.
  public init(_ first: Int, to last: Int? = nil) {
    precondition(first > 1 && last ?? first >= first, "ConsistencyLevels: \(first) to \(last ?? first)")
    (self.first, self.last) = (first, last)
  }

  /// N.
  public func count(at progress: Double) -> Int {
    guard let last else { return first }
    let (least, most) = (Double(first * first), Double((last + 1) * (last + 1)))
    return Int(((progress * (most - least) + least).squareRoot() - 1).rounded(.up)) + 1
  }

  /// The levels as times σ/(1 + σ) of the linear path, rising.
  public func times(at progress: Double) -> [Double] {
    let path = VarianceExplodingPath()
    return path.levels(count(at: progress)).reversed().map { path.place(at: $0).linearTime }
  }

  /// How much of a moving average of weights is kept in consistency training: exp(N₀·log μ₀/N).
  public func averageDecay(_ first: Double, at progress: Double) -> Double {
    exp(Double(self.first) * log(first) / Double(count(at: progress)))
  }
}
