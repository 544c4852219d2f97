// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowManifolds

/// The Lagrangian equation as a regression, through whose target no gradient flows: u(z, r, t) against
/// sg[D log_z(x)[v(x, r)] + (t − r)·∂u(z, r, t)/∂r] at x = X_{t→r}(z).
///
/// −(t − r)·u = log_z(X_{t→r}(z)), and its derivative along r is what stands in brackets less (t − r)·∂u/∂r. In flat space
/// the target is v(X_{t→r}(z), r) + (t − r)·∂u/∂r. With t = 1, states that are noise alone and the velocity of a trained
/// teacher it is FreeFlow's prediction loss (2511.19428), which wants no data. Cost: one evaluation and its gradient, two of
/// the teacher and a tangent.
public struct LagrangianRegression: JumpTarget {
  /// The greatest length of a target; any if infinite.
  public var clip: Float

  /// The target.
  public init(clip: Float = 10) { self.clip = clip }

  /// The squared error, [count, 1].
  public func error(_ batch: JumpBatch, online: ManifoldMap, teacher: ManifoldMap) -> Variable {
    let manifold = online.manifold, z = batch.z.detached, length = batch.t - batch.r
    let average = jvpDetachingTangent(at: [batch.r], along: [batch.r.running]) {
      teacher.velocity(z, r: $0[0], t: batch.t)
    }
    let landing = manifold.exp(z, -length * average.value).detached
    let velocity = batch.flow(teacher, at: landing, batch.r)
    let seen = jvpDetachingTangent(at: [landing], along: [velocity]) { manifold.log(z, $0[0]) }.tangent
    let asked = manifold.tangent(seen + length * average.tangent, at: z)
    let target = shortened(asked, to: clip, length: manifold.norm(asked, at: z)).detached
    let difference = online.velocity(batch.z, r: batch.r, t: batch.t) - target
    return manifold.inner(difference, difference, at: z)
  }
}
