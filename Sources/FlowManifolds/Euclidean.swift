// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
public import FlowTensor
internal import Foundation

/// ℝⁿ with ⟨u, v⟩ = Σ uᵢvᵢ.
///
/// exp_x(u) = x + u, log_x(y) = y − x, transport changes nothing; curvature 0, no cut locus. Prior: standard normal.
public struct Euclidean: Manifold {
  public let dimension: Int

  /// ℝ^`dimension`, of one dimension or more.
  public init(dimension: Int) {
    precondition(dimension > 0, "Euclidean: dimension \(dimension)")
    self.dimension = dimension
  }

  public var name: String { "euclidean(\(dimension))" }
  public var ambient: Int { dimension }
  public var injectivityRadius: Double { .infinity }

  public func projected(_ x: Variable) -> Variable { x }
  public func tangent(_ u: Variable, at x: Variable) -> Variable { u }
  public func inner(_ u: Variable, _ v: Variable, at x: Variable) -> Variable { u.dot(v) }
  public func exp(_ x: Variable, _ u: Variable) -> Variable { x + u }
  public func log(_ x: Variable, _ y: Variable) -> Variable { y - x }
  public func transport(_ u: Variable, from x: Variable, to y: Variable) -> Variable { u }

  public func geodesic(from x: Variable, to y: Variable, at t: Variable)
    -> (point: Variable, velocity: Variable)
  {
    let u = y - x
    return (x + t * u, u)
  }

  public func samplePrior(_ count: Int, _ random: inout Random) -> Tensor {
    random.normal([count, dimension])
  }

  /// −|x|²/2 − (n/2)·log 2π.
  public func priorLogDensity(_ x: Variable) -> Variable {
    -0.5 * x.squaredNorm - Float(0.5 * Double(dimension) * Foundation.log(2 * Double.pi))
  }

  public func logVolumeOfExp(_ x: Variable, _ u: Variable) -> Variable { u.zeroColumn }
}
