// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowManifolds

/// Riemannian MeanFlow: u(z, r, t) against sg of what its own derivative along the path asks for.
///
/// Where the flow map is exact, −(t − r)·u(z, r, t) = log_z y with a y that stays where it is as z moves with the flow.
/// The derivative of both sides along (ż, 0, 1) gives u = −D log_z(y)[ż] − (t − r)·Du[ż, 0, 1]; the target is its
/// tangent part with y = sg X_{t→r}(z). In flat space D log_z(y)[ż] = −ż, and it is MeanFlow's (2505.13447, equation
/// 10); on the diagonal it is ż. Cost: one evaluation and its gradient, a tangent of the teacher, no gradient through
/// it.
public struct ManifoldMeanFlow: JumpTarget {
  /// What ż is.
  public enum Motion: String, Sendable, Codable {
    /// The velocity of the row's own path, as in MeanFlow: right on average.
    case path
    /// The teacher's v(z, t), as in improved MeanFlow (2512.02012): a function of z, so less noise.
    case own
  }

  /// What ż is.
  public var motion: Motion
  /// The greatest length of a target.
  public var clip: Float

  /// The target.
  public init(motion: Motion = .path, clip: Float = 10) {
    self.motion = motion
    self.clip = clip
  }

  /// The squared error, [count, 1].
  public func error(_ batch: JumpBatch, online: ManifoldMap, teacher: ManifoldMap) -> Variable {
    let manifold = online.manifold, z = batch.z.detached
    let motion = self.motion == .path ? batch.velocity.detached : teacher.velocity(z, at: batch.t).detached
    let average = jvpDetachingTangent(
      at: [z, batch.t], along: [motion, batch.t.running]
    ) { teacher.velocity($0[0], r: batch.r, t: $0[1]) }
    let landing = manifold.exp(z, (batch.r - batch.t) * average.value).detached
    let seen = jvpDetachingTangent(at: [z], along: [motion]) { manifold.log($0[0], landing) }.tangent
    let asked = manifold.tangent(-seen - (batch.t - batch.r) * average.tangent, at: z)
    let target = shortened(asked, to: clip, length: manifold.norm(asked, at: z)).detached
    let difference = online.velocity(batch.z, r: batch.r, t: batch.t) - target
    return manifold.inner(difference, difference, at: z)
  }
}

/// d(x, y)², [count, 1], for a constant x: the square of the logarithm, so that its derivative is smooth where y = x.
func squaredDistance(from x: Variable, to y: Variable, on manifold: any Manifold) -> Variable {
  let u = manifold.log(x, y)
  return manifold.inner(u, u, at: x)
}
