// SPDX-License-Identifier: Apache-2.0

package import FlowAutodiff
package import FlowTensor

/// Hyperbolic space as the open unit ball of ℝⁿ with ⟨u, v⟩ = λ²·Σ uᵢvᵢ, λ = 2/(1 − |x|²).
///
/// With α = 1 − |x|², β = 1 − |y|², d = y − x, r = |u| = 2|u|₂/α: exp_x(u) = x ⊕ (tanh(r/2)/r)·(2u/α) with
/// x ⊕ y = (|x + y|²x + α(x + y))/(|x + y|² + αβ). cosh(distance) = 1 + h with h = 2|d|²/(αβ), and
/// log_x(y) = (distance/sinh distance)·(αd − |d|²x)/β. Transport: β/α times the gyration gyr[y, −x]. Curvature −1, no
/// cut locus. Prior: exp at 0 of a standard normal.
///
/// Points are kept within 1 − 1e-5 of the origin, a distance of 12.2, where a float32 row still knows its distance from
/// the sphere to 1 %; exp and `projected` end there and never at norm 1. All forms are in d, so that near points
/// cancel nothing. Relative errors grow as 1e-7/α.
///
/// Ungar, Analytic Hyperbolic Geometry (2008); Ganea, Bécigneul, Hofmann, Hyperbolic Neural Networks (2018).
package struct PoincareBall: Manifold {
  package let dimension: Int
  private static let largestRadius: Float = 1 - 1e-5

  /// The ball of `dimension` dimensions, one or more.
  package init(dimension: Int) {
    precondition(dimension > 0, "PoincareBall: dimension \(dimension)")
    self.dimension = dimension
  }

  package var name: String { "poincare(\(dimension))" }
  package var ambient: Int { dimension }
  package var injectivityRadius: Double { .infinity }

  /// x, drawn back along its ray to radius 1 − 1e-5.
  package func projected(_ x: Variable) -> Variable {
    let square = x.squaredNorm
    let outside = greater(square, Variable(Self.largestRadius * Self.largestRadius))
    guard outside.sum().item > 0 else { return x }
    let scale = Self.largestRadius * select(outside, square, Variable(1)).map(.reciprocalSqrt)
    return select(outside, scale, Variable(1)) * x
  }

  package func tangent(_ u: Variable, at x: Variable) -> Variable { u }

  /// 1 − |x|², at least what a point may have.
  private func gap(_ x: Variable) -> Variable {
    Variable.maximum(1 - x.squaredNorm, Variable(1 - Self.largestRadius))
  }

  package func inner(_ u: Variable, _ v: Variable, at x: Variable) -> Variable {
    4 * u.dot(v) / gap(x).map(.square)
  }

  package func exp(_ x: Variable, _ u: Variable) -> Variable {
    let alpha = gap(x)
    let (square, u) = limited(u, square: inner(u, u, at: x))
    let quarter = -0.25 * square, cosh = quarter.map(.stumpff(0))
    let y = (quarter.map(.stumpff(1)) / (cosh * alpha)) * u, beta = cosh.power(-2)
    let sum = x + y, length = sum.squaredNorm
    return projected((length * x + alpha * sum) / (length + alpha * beta))
  }

  package func log(_ x: Variable, _ y: Variable) -> Variable {
    let alpha = gap(x), beta = gap(y), d = y - x, square = d.squaredNorm
    let ratio = (2 * square / (alpha * beta)).map(.angleOverSine(derivative: 0))
    return (ratio / beta) * (alpha * d - square * x)
  }

  package func distance(_ x: Variable, _ y: Variable) -> Variable {
    let h = 2 * (y - x).squaredNorm / (gap(x) * gap(y))
    return (h * (2 + h)).map(.sqrt) * h.map(.angleOverSine(derivative: 0))
  }

  /// gyr[y, −x]u = u + 2(a·d + b·x)/(|d|² + αβ), a = 2⟨x, d⟩⟨x, u⟩ − |x|²⟨d, u⟩ − α⟨x, u⟩, b = α⟨d, u⟩ − |d|²⟨x, u⟩.
  package func transport(_ u: Variable, from x: Variable, to y: Variable) -> Variable {
    let alpha = gap(x), beta = gap(y), d = y - x, square = d.squaredNorm
    let xu = x.dot(u), du = d.dot(u)
    let a = 2 * x.dot(d) * xu - x.squaredNorm * du - alpha * xu, b = alpha * du - square * xu
    return (beta / alpha) * (u + (2 / (square + alpha * beta)) * (a * d + b * x))
  }

  package func samplePrior(_ count: Int, _ random: inout Random) -> Tensor {
    exp(Variable(.zeros([count, dimension])), 0.5 * Variable(random.normal([count, dimension]))).tensor
  }

  package func priorLogDensity(_ x: Variable) -> Variable {
    let origin = Variable(.zeros(x.shape))
    return standardNormalLogDensity(log(origin, x), at: origin)
  }

  /// z/λ.
  package func frame(_ z: Variable, at x: Variable) -> Variable { 0.5 * gap(x) * z }

  /// (n − 1)·log(sinh r/r).
  package func logVolumeOfExp(_ x: Variable, _ u: Variable) -> Variable {
    hyperbolicLogVolume(dimension, square: inner(u, u, at: x))
  }

  /// n·log λ.
  package func logVolumeDensity(_ x: Variable) -> Variable {
    Float(dimension) * (2 / gap(x)).map(.log)
  }
}
