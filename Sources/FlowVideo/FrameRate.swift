// SPDX-License-Identifier: Apache-2.0

internal import CFFmpeg

/// Frames a second as an exact fraction, so that frame `n` is shown at `n · denominator / numerator`
/// seconds with no rounding.
public struct FrameRate: Sendable, Equatable, CustomStringConvertible {
  /// Frames in `denominator` seconds.
  public let numerator: Int
  /// Seconds in which `numerator` frames are shown.
  public let denominator: Int

  /// The rate `numerator / denominator`: both 1…100,000 and the quotient at most 1,000.
  public init(_ numerator: Int, _ denominator: Int = 1) throws(VideoError) {
    let bounds = 1...100_000
    guard bounds.contains(numerator), bounds.contains(denominator), numerator <= 1000 * denominator else {
      throw VideoError(
        code: .badSetting, operation: "fps",
        message: "\(numerator)/\(denominator) is not above 0 and at most 1000 frames a second")
    }
    self.numerator = numerator
    self.denominator = denominator
  }

  /// The fraction nearest to `framesPerSecond` whose parts are at most 1,001·30: 29.97 is 2997/100.
  public init(nearest framesPerSecond: Double) throws(VideoError) {
    guard framesPerSecond.isFinite, framesPerSecond > 0, framesPerSecond <= 1000 else {
      throw VideoError(
        code: .badSetting, operation: "fps",
        message: "\(framesPerSecond) is not above 0 and at most 1000 frames a second")
    }
    let fraction = av_d2q(framesPerSecond, 30_030)
    try self.init(Int(fraction.num), Int(fraction.den))
  }

  /// `35` or `35/3`.
  public var description: String { denominator == 1 ? "\(numerator)" : "\(numerator)/\(denominator)" }

  /// Frames a second, rounded to a whole number of at least one.
  var rounded: Int { max(1, (numerator + denominator / 2) / denominator) }

  var rational: AVRational { AVRational(num: Int32(numerator), den: Int32(denominator)) }
  var timeBase: AVRational { AVRational(num: Int32(denominator), den: Int32(numerator)) }
}
