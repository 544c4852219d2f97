// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// Why a step made nothing. Its streams stand where they stood before it, and the same step may be tried again.
public enum AdvanceError: Error, Sendable, Equatable {
  /// A network produced a value that is not finite, where `place` says.
  case numerical(place: String)
  /// Somebody cancelled the step.
  case cancelled
}

extension VideoModel {
  /// Generates the next frame of each stream; nobody can cancel it.
  public func advance(_ streams: [any VideoStream], actions: [Int]) throws(AdvanceError) -> [RGBImage] {
    try advance(streams, actions: actions, unless: Cancellation())
  }
}

extension PointStream {
  /// Works on the next batch until it is done or `budget` has passed; nobody can cancel it.
  public func advance(for budget: Duration) throws(AdvanceError) -> PointBatch? {
    try advance(for: budget, unless: Cancellation())
  }
}
