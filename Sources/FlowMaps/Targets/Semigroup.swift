// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowManifolds
internal import FlowTensor

/// G-PSD: a jump is two jumps, d(X_{t→r}(z), sg X_{s→r}(X_{t→s}(z)))², s between.
///
/// No derivatives in time or space. Cost: one evaluation and its gradient, two of the teacher.
public struct Semigroup: JumpTarget {
  /// The two jumps are steps of Euler's method where they are no longer than this: the diagonal teaches the shortest jumps,
  /// and these the longer ones (shortcut models).
  public var shortest: Float

  /// The target.
  public init(shortest: Float = 0) { self.shortest = shortest }

  /// The squared error, [count, 1].
  public func error(_ batch: JumpBatch, online: ManifoldMap, teacher: ManifoldMap) -> Variable {
    let middle = jump(batch.z, from: batch.t, to: batch.s, teacher)
    let target = jump(middle, from: batch.s, to: batch.r, teacher)
    return squaredDistance(
      from: target, to: online.jump(batch.z, from: batch.t, to: batch.r), on: online.manifold)
  }

  /// A jump of the teacher, with the velocity that it has between the same times if those are far enough apart.
  private func jump(_ z: Variable, from t: Variable, to r: Variable, _ teacher: ManifoldMap) -> Variable {
    if shortest == 0 { return teacher.jump(z, from: t, to: r).detached }
    let isLong = Variable.greater(t - r, Variable(shortest * 1.001))
    let velocity = teacher.velocity(z, r: t + isLong * (r - t), t: t)
    return teacher.manifold.exp(z, (r - t) * velocity).detached
  }
}
