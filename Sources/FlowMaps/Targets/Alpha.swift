// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowManifolds

/// AlphaFlow: a jump t → r is a share α of the way at a known velocity, then the teacher's jump over the rest
/// (2510.20771). With s = α·r + (1 − α)·t and z_s = exp_z(−(t − s)·ż), u(z, r, t) is compared with the velocity that
/// leads from z to sg X_{s→r}(z_s), and the error counts 1/α.
///
/// In flat space the target is α·ż + (1 − α)·u(z_s, r, s). α = 1 is flow matching off the diagonal, α = ½ with the model's
/// own velocity twice the shortcut's loss, and for α → 0 the gradient becomes MeanFlow's. Cost: one evaluation and its
/// gradient, one or two of the teacher; no derivatives.
public struct Alpha: JumpTarget {
  /// What ż is.
  public enum Motion: String, Sendable, Codable {
    /// The velocity of the row's own path.
    case path
    /// The teacher's v(z, t), or the known one.
    case own
  }

  /// The share α, above 0 and at most 1.
  public var share: Double
  /// What ż is.
  public var motion: Motion

  /// The target.
  public init(share: Double, motion: Motion = .path) {
    precondition(share > 0 && share <= 1, "Alpha: a share of \(share)")
    self.share = share
    self.motion = motion
  }

  /// 1/α: the difference is about α times MeanFlow's. Without it adaptive weights would fade as α falls.
  public var scale: Double { 1 / share }

  /// The squared error over α, [count, 1].
  public func error(_ batch: JumpBatch, online: ManifoldMap, teacher: ManifoldMap) -> Variable {
    let manifold = online.manifold, z = batch.z.detached, α = Float(share)
    let motion = self.motion == .path ? batch.velocity.detached : batch.flow(teacher, at: z, batch.t)
    let length = batch.t - batch.r, s = batch.t - α * length
    let middle = manifold.exp(z, -α * length * motion).detached
    let landing = share == 1 ? middle : teacher.jump(middle, from: s, to: batch.r).detached
    let target = (manifold.log(z, landing) / -length).detached
    let difference = online.velocity(batch.z, r: batch.r, t: batch.t) - target
    return (1 / α) * manifold.inner(difference, difference, at: z)
  }
}
