// SPDX-License-Identifier: Apache-2.0

/// Which action each frame was made with: with the seed, all that makes a stream once more.
struct ActionLog {
  private(set) var runs: [(action: Int, count: Int)] = []

  /// Takes note of the next frame's action.
  mutating func append(_ action: Int) {
    if runs.last?.action == action {
      runs[runs.count - 1].count += 1
    } else {
      runs.append((action, 1))
    }
  }

  /// The runs of the first `count` frames.
  func prefix(_ count: Int) -> [(action: Int, count: Int)] {
    var rest = count
    return runs.compactMap { run in
      let taken = min(run.count, rest)
      rest -= taken
      return taken > 0 ? (run.action, taken) : nil
    }
  }

  /// Whether it has grown too long to be kept.
  var isTooLong: Bool { runs.count > ActionSchedule.maximumSegments }
}
