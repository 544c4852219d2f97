// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowManifolds

/// Riemannian consistency: a jump from the state at t lands where the jump from the state of the same path at s does,
/// d(X_{t→r}(z_t), sg X_{s→r}(z_s))² (Song et al. 2023; on manifolds 2510.00983).
///
/// With r = 0 a consistency model: pair it with ``JumpPairs/toData(gap:diagonal:)``, or as published with
/// ``JumpPairs/levels(_:)``. Its limit for s → t is the Eulerian equation with the velocity of the path,
/// ``ManifoldMeanFlow``. Cost: one evaluation and its gradient, one or two of the teacher.
public struct Consistency: JumpTarget {
  /// Where z_s is.
  public enum Step: String, Sendable, Codable, CaseIterable {
    /// On the row's own path, the same data and noise: consistency training.
    case path
    /// A step of Euler's method from z_t along the velocity of the flow, which on the linear path is DDIM's: consistency
    /// distillation.
    case flow
  }

  /// Where z_s is.
  public var step: Step

  /// The target.
  public init(step: Step = .path) { self.step = step }

  /// The squared error, [count, 1].
  public func error(_ batch: JumpBatch, online: ManifoldMap, teacher: ManifoldMap) -> Variable {
    let earlier: Variable
    switch step {
    case .path: earlier = batch.path(batch.s)
    case .flow:
      let velocity = teacher.velocity(batch.z, at: batch.t)
      earlier = online.manifold.exp(batch.z, (batch.s - batch.t) * velocity)
    }
    let target = teacher.jump(earlier.detached, from: batch.s, to: batch.r).detached
    return squaredDistance(
      from: target, to: online.jump(batch.z, from: batch.t, to: batch.r), on: online.manifold)
  }
}
