// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
public import FlowManifolds

/// What a network answers in coordinates of the ambient space: f(z, r, t), [count, ambient].
public typealias AmbientNetwork = (_ z: Variable, _ r: Variable, _ t: Variable) -> Variable

/// How a network's answer becomes a tangent vector.
public enum Head: String, Sendable, Codable, CaseIterable {
  /// u = P_z f: the part of the answer that is tangent at z.
  case velocity
  /// u = P_z f/λ(z) with λ the length of the first ambient direction in the metric at z: on the Poincaré ball the
  /// conformal factor, so that answers of one size are velocities of one size everywhere.
  case metricNormalised

  /// What keeps this head from a manifold, or nil.
  public func fault(on manifold: any Manifold) -> String? {
    if self == .velocity || isConformal(manifold) { return nil }
    return
      "head metricNormalised wants one length for all directions at a point, as on poincare(n), and \(manifold.name) "
      + "has none; use head velocity"
  }

  /// The velocity that the answer f at z stands for.
  public func tangent(_ f: Variable, at z: Variable, on manifold: any Manifold) -> Variable {
    let u = manifold.tangent(f, at: z)
    switch self {
    case .velocity: return u
    case .metricNormalised:
      let first = Variable.unit(0, of: manifold.ambient)
      return u / manifold.norm(first.broadcast(to: z.shape), at: z)
    }
  }
}

/// Whether the metric at a point is a multiple of that of the ambient space.
private func isConformal(_ manifold: any Manifold) -> Bool {
  switch manifold {
  case is Euclidean, is FlatTorus, is Sphere, is SpecialOrthogonal, is PoincareBall: true
  case let scaled as Scaled: isConformal(scaled.base)
  default: false
  }
}

/// A flow map on a manifold: X_{t→r}(z) = exp_z(−(t − r)·u(z, r, t)), where the flow takes z from time t to time r.
///
/// t = 0 is data, t = 1 noise; states are rows [count, ambient], times [count, 1]. u is tangent at z; on the diagonal
/// u(z, t, t) = v(z, t) is the velocity dz/dt of the flow, and X_{t→t} = id whatever the network (Boffi, Albergo and
/// Vanden-Eijnden 2025, on a manifold: 2510.21608).
public struct ManifoldMap {
  /// The space.
  public let manifold: any Manifold
  private let head: Head
  private let network: AmbientNetwork

  /// The map of a network.
  public init(_ manifold: any Manifold, head: Head = .velocity, network: @escaping AmbientNetwork) {
    self.manifold = manifold
    self.head = head
    self.network = network
  }

  /// u(z, r, t): the velocity that, kept up along its geodesic, leads where the flow leads.
  public func velocity(_ z: Variable, r: Variable, t: Variable) -> Variable {
    head.tangent(network(z, r, t), at: z, on: manifold)
  }

  /// v(z, t) = u(z, t, t): the velocity of the flow.
  public func velocity(_ z: Variable, at t: Variable) -> Variable { velocity(z, r: t, t: t) }

  /// X_{t→r}(z).
  public func jump(_ z: Variable, from t: Variable, to r: Variable) -> Variable {
    manifold.exp(z, (r - t) * velocity(z, r: r, t: t))
  }
}
