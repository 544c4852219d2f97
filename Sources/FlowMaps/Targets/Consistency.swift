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
    /// A step of Heun's method for x + σ·e, with σ = t/(1 − t), along the same velocity: what consistency distillation was
    /// published with. In flat space.
    case heun
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
      let velocity = batch.flow(teacher, at: batch.z, batch.t)
      earlier = online.manifold.exp(batch.z, (batch.s - batch.t) * velocity)
    case .heun: earlier = Self.heun(batch) { batch.flow(teacher, at: $0, $1) }
    }
    let target = teacher.jump(earlier.detached, from: batch.s, to: batch.r).detached
    return squaredDistance(
      from: target, to: online.jump(batch.z, from: batch.t, to: batch.r), on: online.manifold)
  }

  /// z_s by the average of the noise E = z + (1 − t)·v at both ends of the step, with y = z/(1 − t) moving as dy/dσ = E.
  private static func heun(_ batch: JumpBatch, _ flow: ObjectiveMaps.Field) -> Variable {
    let (s, t) = (batch.s, batch.t), left = 1 - s
    let length = s / left - t / (1 - t), state = batch.z / (1 - t)
    let first = batch.z + (1 - t) * flow(batch.z, t)
    let trial = left * (state + length * first)
    let last = trial + left * flow(trial, s)
    return left * (state + (0.5 * length) * (first + last))
  }
}
