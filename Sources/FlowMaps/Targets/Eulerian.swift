// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowManifolds

/// G-ESD: moving the starting time along the flow leaves the landing point where it is,
/// |∂X_{t→r}(z)/∂t + sg dX_{t→r}[v(z, t)]|² at sg X_{t→r}(z).
///
/// The derivative in t is a forward one with the gradient through it, the pushforward one of the teacher in z. A
/// pushforward longer than `clip` is shortened to it: early in training it can be of any length, which sends the loss
/// to infinity. Cost: about four evaluations, two of them with gradients.
public struct Eulerian: JumpTarget {
  /// How v(z, t) at z is brought to X_{t→r}(z).
  public enum Pushforward: String, Sendable, Codable {
    /// By the differential of the map.
    case differential
    /// Not at all, but projected to the tangents at the landing point: what the published code does. It is not the
    /// Eulerian equation, an exact flow map has an error under it; kept to compare.
    case projection
  }

  /// How v(z, t) is brought to the landing point.
  public var pushforward: Pushforward
  /// The greatest length of what is brought; any if infinite.
  public var clip: Float

  /// The target.
  public init(pushforward: Pushforward = .differential, clip: Float = 10) {
    self.pushforward = pushforward
    self.clip = clip
  }

  /// The squared error, [count, 1].
  public func error(_ batch: JumpBatch, online: ManifoldMap, teacher: ManifoldMap) -> Variable {
    let (point, motion) = jvp(at: [batch.t], along: [batch.t.running]) {
      online.jump(batch.z, from: $0[0], to: batch.r)
    }
    let manifold = online.manifold, x = point.detached
    let velocity = batch.flow(teacher, at: batch.z, batch.t)
    var brought: Variable
    switch pushforward {
    case .differential:
      brought =
        jvpDetachingTangent(at: [batch.z.detached], along: [velocity]) {
          teacher.jump($0[0], from: batch.t, to: batch.r)
        }.tangent
    case .projection: brought = manifold.tangent(velocity, at: x)
    }
    brought = shortened(brought, to: clip, length: manifold.norm(brought, at: x)).detached
    return manifold.inner(motion + brought, motion + brought, at: x)
  }
}

/// Rows no longer than `most`, given their lengths [count, 1]; as they are where that is infinite.
func shortened(_ rows: Variable, to most: Float, length: @autoclosure () -> Variable) -> Variable {
  most == .infinity ? rows : rows * (most / Variable.maximum(length(), Variable(most)))
}
