// SPDX-License-Identifier: Apache-2.0

/// Which action a stream takes at which frame, as far as it is known.
///
/// A change from frame `n` on replaces everything planned from `n` on and leaves the frames before alone.
struct ActionSchedule: Equatable {
  /// From `start` to the start of the next segment.
  private struct Segment: Equatable {
    let start: Int
    let action: Int
    let control: Int?
  }

  /// What an index in a model's list of actions is taken for.
  struct Choice: Equatable {
    /// The index of the action.
    let action: Int
    /// The client's number of the control that decided it.
    let control: Int?
  }

  /// How many segments a schedule may have; a client that plans ever further ahead costs no more memory.
  static let maximumSegments = 65_536

  private let defaultAction: Int
  private var segments: [Segment]

  /// A schedule that takes `defaultAction` for ever.
  init(defaultAction: Int) {
    self.defaultAction = defaultAction
    segments = [Segment(start: 0, action: defaultAction, control: nil)]
  }

  /// Takes one action from `frame` on.
  mutating func hold(_ action: Int, from frame: Int, control: Int? = nil) {
    drop(from: frame)
    segments.append(Segment(start: frame, action: action, control: control))
  }

  /// Takes each action for its number of frames from `frame` on, then the default action.
  mutating func run(_ runs: [(action: Int, count: Int)], from frame: Int, control: Int? = nil) {
    drop(from: frame)
    var start = frame
    for run in runs {
      segments.append(Segment(start: start, action: run.action, control: control))
      start += run.count
    }
    segments.append(Segment(start: start, action: defaultAction, control: control))
  }

  private mutating func drop(from frame: Int) {
    // From the end, where what is replaced is: a long plan must not cost a walk for each control.
    while let last = segments.last, last.start >= frame { segments.removeLast() }
  }

  /// Whether another `count` segments from `frame` on fit.
  func hasRoom(for count: Int, from frame: Int) -> Bool {
    // Segments are in order of their frames, so that what is replaced is at the end.
    let kept = (segments.lastIndex { $0.start < frame } ?? -1) + 1
    return kept + count <= Self.maximumSegments
  }

  /// The choice for `frame`, which must not be before one that was asked for earlier.
  mutating func take(_ frame: Int) -> Choice {
    while segments.count > 1, segments[1].start <= frame { segments.removeFirst() }
    return Choice(action: segments[0].action, control: segments[0].control)
  }
}
