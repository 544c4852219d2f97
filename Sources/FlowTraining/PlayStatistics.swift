// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor
internal import Glibc

/// What a stretch of play looks like in three numbers, on pictures in 0…255.
public struct PlayStatistics: Sendable, Codable, Equatable {
  /// The mean of all pixels.
  public let brightness: Double
  /// The standard deviation of the pixels of a frame, averaged over frames.
  public let contrast: Double
  /// The mean absolute difference between successive frames.
  public let change: Double

  /// The statistics of successive frames [count, height, width, 3] in −1…1.
  init(_ frames: Tensor) {
    let count = frames.shape[0], size = frames.count / max(count, 1)
    var brightness = 0.0, contrast = 0.0
    for index in 0..<count {
      let frame = frames.rows(index..<index + 1)
      let mean = Double(frame.sum().item) / Double(size)
      brightness += mean
      contrast += max(0, frame.sumOfSquares / Double(size) - mean * mean).squareRoot()
    }
    let difference = Tensor.combine(.subtract, frames.rows(1..<count), frames.rows(0..<count - 1)).map(
      .absolute)
    self.brightness = 127.5 * (brightness / Double(count) + 1)
    self.contrast = 127.5 * contrast / Double(count)
    change = 127.5 * Double(difference.sum().item) / Double(difference.count)
  }

  /// This stretch's numbers relative to those of `real`.
  func relative(to real: PlayStatistics) -> [Double] {
    [brightness / real.brightness, contrast / real.contrast, change / real.change]
  }
}

/// A hundred frames of a long rollout, relative to real play.
public struct RolloutWindow: Sendable, Codable, Equatable {
  /// The first frame of the window.
  public let first: Int
  /// Brightness relative to real play.
  public let brightness: Double
  /// Contrast relative to real play.
  public let contrast: Double
  /// Change between frames relative to real play.
  public let change: Double

  /// Whether each number lies between half and twice that of real play.
  public var holds: Bool { [brightness, contrast, change].allSatisfy { $0 >= 0.5 && $0 <= 2 } }
}
