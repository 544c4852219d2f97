// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff

/// Riemannian consistency: a jump from the state at t lands where the jump from the state of the same path at s does,
/// d(X_{t→r}(z_t), sg X_{s→r}(z_s))² (Song et al. 2023; on manifolds 2510.00983).
///
/// With r = 0 a consistency model: pair it with ``JumpPairs/toData(gap:diagonal:)``. Its limit for s → t is the
/// Eulerian equation with the velocity of the path, ``ManifoldMeanFlow``. Cost: one evaluation and its gradient, one
/// of the teacher.
public struct Consistency: JumpTarget {
  /// The target.
  public init() {}

  /// The squared error, [count, 1].
  public func error(_ batch: JumpBatch, online: ManifoldMap, teacher: ManifoldMap) -> Variable {
    let target = teacher.jump(batch.path(batch.s), from: batch.s, to: batch.r).detached
    return squaredDistance(
      from: target, to: online.jump(batch.z, from: batch.t, to: batch.r), on: online.manifold)
  }
}
