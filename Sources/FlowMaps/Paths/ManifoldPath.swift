// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
public import FlowManifolds

/// Curves from data to noise, of which a flow of many is made: where a pair is at time t, and with what velocity.
public protocol ManifoldPath: Sendable {
  /// z_t and dz_t/dt for pairs of points and times [count, 1]; z_0 = data, z_1 = noise.
  func state(data: Variable, noise: Variable, at t: Variable) -> (point: Variable, velocity: Variable)
}

/// The geodesic z_t = exp_x(t·log_x e) from data x to noise e: in flat space the linear path.
public struct GeodesicPath: ManifoldPath {
  private let manifold: any Manifold

  /// Geodesics of a manifold.
  public init(_ manifold: any Manifold) { self.manifold = manifold }

  /// z_t and dz_t/dt.
  public func state(data: Variable, noise: Variable, at t: Variable) -> (point: Variable, velocity: Variable)
  {
    manifold.geodesic(from: data, to: noise, at: t)
  }
}
