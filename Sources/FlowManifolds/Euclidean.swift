// SPDX-License-Identifier: Apache-2.0

package import FlowAutodiff
package import FlowTensor

/// ℝⁿ with ⟨u, v⟩ = Σ uᵢvᵢ.
///
/// exp_x(u) = x + u, log_x(y) = y − x, transport changes nothing; curvature 0, no cut locus. Prior: standard normal.
package struct Euclidean: Manifold {
  package let dimension: Int

  /// ℝ^`dimension`, of one dimension or more.
  package init(dimension: Int) {
    precondition(dimension > 0, "Euclidean: dimension \(dimension)")
    self.dimension = dimension
  }

  package var name: String { "euclidean(\(dimension))" }
  package var ambient: Int { dimension }
  package var injectivityRadius: Double { .infinity }

  package func projected(_ x: Variable) -> Variable { x }
  package func tangent(_ u: Variable, at x: Variable) -> Variable { u }
  package func inner(_ u: Variable, _ v: Variable, at x: Variable) -> Variable { u.dot(v) }
  package func exp(_ x: Variable, _ u: Variable) -> Variable { x + u }
  package func log(_ x: Variable, _ y: Variable) -> Variable { y - x }
  package func transport(_ u: Variable, from x: Variable, to y: Variable) -> Variable { u }

  package func geodesic(from x: Variable, to y: Variable, at t: Variable)
    -> (point: Variable, velocity: Variable)
  {
    let u = y - x
    return (x + t * u, u)
  }

  package func samplePrior(_ count: Int, _ random: inout Random) -> Tensor {
    random.normal([count, dimension])
  }

  /// −|x|²/2 − (n/2)·log 2π.
  package func priorLogDensity(_ x: Variable) -> Variable {
    -0.5 * x.squaredNorm - Float(0.5 * Double(dimension) * (logTwo + logPi))
  }

  package func logVolumeOfExp(_ x: Variable, _ u: Variable) -> Variable { u.zeroColumn }
}
