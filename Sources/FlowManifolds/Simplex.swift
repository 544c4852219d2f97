// SPDX-License-Identifier: Apache-2.0

package import FlowAutodiff
package import FlowTensor

/// The probability vectors of n + 1 outcomes with the Fisher–Rao metric ⟨u, v⟩_p = Σ uᵢvᵢ/pᵢ. Tangents sum to 0.
///
/// z = √p maps it to the part of a unit sphere where all zᵢ ≥ 0, with half of all lengths: exp, log, transport and
/// distance = 2·arccos Σ √(pᵢqᵢ) ≤ π are those of ``Sphere`` at z with w = u/(2z). Curvature ¼. Prior: uniform in the
/// Riemannian volume, which is the Dirichlet distribution of parameters ½.
///
/// There is no cut locus, but a boundary, as near as the least zᵢ, so that the injectivity radius is 0: a geodesic
/// that would leave through a face comes back reflected, pᵢ = zᵢ². Where pᵢ < 1e-12 the metric is that of 1e-12, so
/// that u/z stays finite.
///
/// Amari, Nagaoka, Methods of Information Geometry (2000); Davis et al., Fisher Flow Matching (2024).
package struct Simplex: Manifold {
  package let dimension: Int
  private let sphere: Sphere

  /// The simplex of `dimension` + 1 outcomes, two or more.
  package init(dimension: Int) {
    precondition(dimension > 0, "Simplex: dimension \(dimension)")
    self.dimension = dimension
    sphere = Sphere(dimension: dimension)
  }

  package var name: String { "simplex(\(dimension))" }
  package var ambient: Int { dimension + 1 }
  package var injectivityRadius: Double { 0 }

  private func positive(_ p: Variable) -> Variable { p.clamped(to: 1e-12...Float.greatestFiniteMagnitude) }
  private func root(_ p: Variable) -> Variable { positive(p).map(.sqrt) }

  /// x with numbers below 1e-12 raised to that, over its sum.
  package func projected(_ x: Variable) -> Variable {
    let x = positive(x)
    return x / x.sum(axes: [-1], keepingAxes: true)
  }

  /// u − p·Σ uᵢ, orthogonal in this metric.
  package func tangent(_ u: Variable, at x: Variable) -> Variable {
    u - u.sum(axes: [-1], keepingAxes: true) * x
  }

  package func inner(_ u: Variable, _ v: Variable, at x: Variable) -> Variable { u.dot(v / positive(x)) }

  package func exp(_ x: Variable, _ u: Variable) -> Variable {
    let z = root(x)
    return sphere.exp(z, 0.5 * u / z).map(.square)
  }

  package func log(_ x: Variable, _ y: Variable) -> Variable {
    let z = root(x)
    return 2 * z * sphere.log(z, root(y))
  }

  package func distance(_ x: Variable, _ y: Variable) -> Variable {
    2 * sphere.distance(root(x), root(y))
  }

  package func transport(_ u: Variable, from x: Variable, to y: Variable) -> Variable {
    let from = root(x), to = root(y)
    return to * sphere.transport(u / from, from: from, to: to)
  }

  package func samplePrior(_ count: Int, _ random: inout Random) -> Tensor {
    sphere.samplePrior(count, &random).map(.square)
  }

  /// −log of the volume: 2ⁿ times 2^−(n+1) of the sphere.
  package func priorLogDensity(_ x: Variable) -> Variable {
    x.zeroColumn - Float(logSphereArea(ambient: ambient) - logTwo)
  }

  /// z·(the part of the row tangent to the sphere at z).
  package func frame(_ row: Variable, at x: Variable) -> Variable {
    let z = root(x)
    return z * sphere.tangent(row, at: z)
  }

  package func logVolumeOfExp(_ x: Variable, _ u: Variable) -> Variable {
    sphere.logVolumeOfExp(root(x), 0.5 * u / root(x))
  }

  /// −½·Σ log pᵢ.
  package func logVolumeDensity(_ x: Variable) -> Variable {
    -0.5 * positive(x).map(.log).sum(axes: [-1], keepingAxes: true)
  }
}
