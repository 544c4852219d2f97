// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import FlowTensor

/// The cosines and sines of a rotary embedding over time, height and width.
///
/// A head of width D gives D − 4⌊D/6⌋ of its channels to time and 2⌊D/6⌋ to each of height and width; an axis of width
/// d has the frequencies 10⁴^(−2i/d). Angles are formed in double precision, so that late frames are as exact as early
/// ones.
public struct RotaryAngles: Sendable {
  /// [tokens, width/2].
  public let cosine: Tensor
  /// [tokens, width/2].
  public let sine: Tensor

  /// The angles of the tokens of frames at times `frames`, each a grid of `rows` by `columns` tokens.
  public init(frames: [Int], rows: Int, columns: Int, headWidth: Int) {
    let frequencies = (
      time: Self.timeFrequencies(headWidth: headWidth), space: Self.ladder(2 * (headWidth / 6))
    )
    var angles: [Double] = []
    angles.reserveCapacity(frames.count * rows * columns * headWidth / 2)
    for frame in frames {
      for row in 0..<rows {
        for column in 0..<columns {
          angles += frequencies.time.map { Double(frame) * $0 }
          angles += frequencies.space.map { Double(row) * $0 }
          angles += frequencies.space.map { Double(column) * $0 }
        }
      }
    }
    let shape: Shape = [frames.count * rows * columns, headWidth / 2]
    cosine = Tensor(angles.map { Float(cos($0)) }, shape: shape)
    sine = Tensor(angles.map { Float(sin($0)) }, shape: shape)
  }

  /// The frequencies of the channels that turn with time, which are the first.
  static func timeFrequencies(headWidth: Int) -> [Double] { ladder(headWidth - 4 * (headWidth / 6)) }

  private static func ladder(_ width: Int) -> [Double] {
    (0..<width / 2).map { pow(1e4, -2 * Double($0) / Double(width)) }
  }
}
