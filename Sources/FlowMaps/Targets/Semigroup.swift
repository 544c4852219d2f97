// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff

/// G-PSD: a jump is two jumps, d(X_{t→r}(z), sg X_{s→r}(X_{t→s}(z)))², s between.
///
/// No derivatives in time or space. Cost: one evaluation and its gradient, two of the teacher.
public struct Semigroup: JumpTarget {
  /// The target.
  public init() {}

  /// The squared error, [count, 1].
  public func error(_ batch: JumpBatch, online: ManifoldMap, teacher: ManifoldMap) -> Variable {
    let middle = teacher.jump(batch.z, from: batch.t, to: batch.s).detached
    let target = teacher.jump(middle, from: batch.s, to: batch.r).detached
    return squaredDistance(
      from: target, to: online.jump(batch.z, from: batch.t, to: batch.r), on: online.manifold)
  }
}
