// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff

/// AlphaFlow as it is trained: ``Alpha`` with a share that falls from 1 to 0, where it becomes ``ManifoldMeanFlow``
/// (2510.20771).
public struct AlphaFlow: JumpTarget {
  /// How the share falls with the progress of a training.
  public var schedule: AlphaSchedule
  /// What ż is.
  public var motion: Alpha.Motion
  /// The greatest length of MeanFlow's target; any if infinite.
  public var clip: Float

  /// The method.
  public init(_ schedule: AlphaSchedule, motion: Alpha.Motion = .path, clip: Float = 10) {
    (self.schedule, self.motion, self.clip) = (schedule, motion, clip)
  }

  /// The target at a progress of 0…1.
  public func at(progress: Double) -> any JumpTarget {
    let share = schedule.share(at: progress)
    return share > 0
      ? Alpha(share: share, motion: motion)
      : ManifoldMeanFlow(motion: motion == .path ? .path : .own, clip: clip)
  }

  /// That of the beginning.
  public func error(_ batch: JumpBatch, online: ManifoldMap, teacher: ManifoldMap) -> Variable {
    at(progress: 0).error(batch, online: online, teacher: teacher)
  }
}
