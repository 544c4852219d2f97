// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowManifolds

/// G-LSD: moving the landing time moves the landing point with the flow, |∂X_{t→r}(z)/∂r − sg v(X_{t→r}(z), r)|² at
/// sg X_{t→r}(z).
///
/// The derivative is a forward one along r alone, through which the gradient flows back (reverse over forward); X is
/// already tangent-valued there, so no Christoffel symbols are wanted. Cost: about two evaluations and their gradient,
/// and one of the teacher.
public struct Lagrangian: JumpTarget {
  /// The target.
  public init() {}

  /// The squared error, [count, 1].
  public func error(_ batch: JumpBatch, online: ManifoldMap, teacher: ManifoldMap) -> Variable {
    let (point, motion) = jvp(at: [batch.r], along: [batch.r.running]) {
      online.jump(batch.z, from: batch.t, to: $0[0])
    }
    let x = point.detached
    let difference = motion - batch.flow(teacher, at: x, batch.r)
    return online.manifold.inner(difference, difference, at: x)
  }
}
