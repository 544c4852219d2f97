// SPDX-License-Identifier: Apache-2.0

/// When frames are shown by a player that began with the first one, and how long before that they may be made.
struct PlaybackClock {
  private let rate: Double
  private let ahead: Duration
  private var start: Duration?

  /// - Parameter rate: frames a second.
  init(rate: Double, ahead: Duration) { (self.rate, self.ahead) = (rate, ahead) }

  /// The time from which on a frame may be made; nil before playback has begun.
  func due(_ frame: Int) -> Duration? { start.map { $0 + time(frame) - ahead } }

  /// Whether a frame may be made now.
  ///
  /// A frame that comes too late to be shown in time moves the clock: what was missed is not made up for.
  mutating func allows(_ frame: Int, at now: Duration) -> Bool {
    guard let start else {
      self.start = now - time(frame)
      return true
    }
    guard now >= start + time(frame) - ahead else { return false }
    if now > start + time(frame + 1) { self.start = now - time(frame) }
    return true
  }

  private func time(_ frame: Int) -> Duration { .seconds(Double(frame) / rate) }
}
