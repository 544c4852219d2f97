// SPDX-License-Identifier: Apache-2.0

package import FlowAutodiff
package import FlowTensor

/// The unit sphere Sⁿ in ℝⁿ⁺¹ with the metric of the space around it.
///
/// With θ = |u|: exp_x(u) = cos θ·x + (sin θ/θ)·u. With s = x + y, d = y − x and the part ⊥ of a row that is tangent
/// at x: log_x(y) = θ/sin θ·d⊥, where θ comes from the chord |d| up to a quarter turn and from |s| beyond, so that
/// neither 0 nor π costs precision. Transport: u − 2⟨u, s⟩s/|s|². Curvature 1; injectivity radius π.
///
/// Cut locus: the antipode, where every direction is shortest. Within 1e-6 of it log has length π and the direction
/// of the coordinate axis that x is farthest from, and transport follows the same geodesic; nothing is differentiated
/// there. Near it the direction is as good as float32 rows say: 1e-7 over the distance from the antipode.
///
/// do Carmo, Riemannian Geometry (1992); Absil, Mahony, Sepulchre, Optimization Algorithms on Matrix Manifolds (2008).
package struct Sphere: Manifold {
  package let dimension: Int

  /// S^`dimension`, of one dimension or more.
  package init(dimension: Int) {
    precondition(dimension > 0, "Sphere: dimension \(dimension)")
    self.dimension = dimension
  }

  package var name: String { "sphere(\(dimension))" }
  package var ambient: Int { dimension + 1 }
  package var injectivityRadius: Double { .pi }

  /// x/|x|; the first axis for x = 0.
  package func projected(_ x: Variable) -> Variable {
    let square = x.squaredNorm, zero = Tensor.combine(.equal, square.tensor, Tensor(0))
    let pole = Tensor((0..<ambient).map { $0 == 0 ? 1 : 0 }, shape: [1, ambient])
    return select(zero, Variable(pole), x * select(zero, Variable(1), square).map(.reciprocalSqrt))
  }

  /// u − ⟨u, x⟩x.
  package func tangent(_ u: Variable, at x: Variable) -> Variable { u - u.dot(x) * x }
  package func inner(_ u: Variable, _ v: Variable, at x: Variable) -> Variable { u.dot(v) }

  package func exp(_ x: Variable, _ u: Variable) -> Variable {
    let square = u.squaredNorm
    return square.map(.stumpff(0)) * x + square.map(.stumpff(1)) * u
  }

  package func log(_ x: Variable, _ y: Variable) -> Variable { SphereChord(x, y).log }
  package func distance(_ x: Variable, _ y: Variable) -> Variable { SphereChord(x, y).angle }

  package func transport(_ u: Variable, from x: Variable, to y: Variable) -> Variable {
    let s = SphereChord(x, y).middle
    return u - (2 * u.dot(s) / s.squaredNorm) * s
  }

  package func geodesic(from x: Variable, to y: Variable, at t: Variable)
    -> (point: Variable, velocity: Variable)
  {
    let u = log(x, y), length = u.squaredNorm, square = t.map(.square) * length
    let cosine = square.map(.stumpff(0)), sinc = square.map(.stumpff(1))
    return (cosine * x + (t * sinc) * u, cosine * u - (t * length * sinc) * x)
  }

  package func samplePrior(_ count: Int, _ random: inout Random) -> Tensor {
    projected(Variable(random.normal([count, ambient]))).tensor
  }

  /// −log of the area 2π^((n+1)/2)/Γ((n+1)/2), the uniform density.
  package func priorLogDensity(_ x: Variable) -> Variable {
    x.zeroColumn - Float(logSphereArea(ambient: ambient))
  }

  /// (n − 1)·log(sin θ/θ), −∞ at the antipode.
  package func logVolumeOfExp(_ x: Variable, _ u: Variable) -> Variable {
    Float(dimension - 1) * u.squaredNorm.map(.stumpff(1)).map(.absolute).map(.log)
  }
}

/// Two points of a sphere and the angle between them, from whichever chord is shorter: between them, or from one to
/// the antipode of the other.
private struct SphereChord {
  private let x: Variable
  private let difference: Variable
  private let sum: Variable
  /// 1 where the angle is more than a quarter turn.
  private let far: Tensor
  /// 1 where y is taken for the antipode of x.
  private let cut: Tensor
  /// 1 − |cos| from the shorter chord; some number there for the antipode itself.
  private let shorter: Variable

  init(_ x: Variable, _ y: Variable) {
    self.x = x
    difference = y - x
    sum = x + y
    let near = 0.5 * difference.squaredNorm, away = 0.5 * sum.squaredNorm
    far = greater(near, away)
    cut = greater(Variable(5e-13), away)
    shorter = select(far, select(cut, Variable(1), away), near)
  }

  /// The angle over its sine for the shorter chord.
  private var ratio: Variable { (-shorter).map(.angleOverSine(derivative: 0)) }

  private var sine: Variable { (shorter * (2 - shorter)).map(.sqrt) }

  var angle: Variable {
    let short = sine * ratio
    return select(cut, Variable(.pi), select(far, .pi - short, short))
  }

  var log: Variable {
    let chosen = select(far, sum, difference), perpendicular = chosen - chosen.dot(x) * x
    // A tenth stands in for the sine where it is not used and may be 0.
    let safe = select(far, shorter * (2 - shorter), Variable(0.01))
    let factor = select(far, .pi * safe.map(.reciprocalSqrt) - ratio, ratio)
    return atCut(Float.pi, else: factor * perpendicular)
  }

  /// The direction of the half-way point; the direction that log takes, at the antipode.
  var middle: Variable { atCut(1, else: sum) }

  /// `length` times the unit tangent towards the axis that x is farthest from, where y is the antipode.
  private func atCut(_ length: Float, else other: Variable) -> Variable {
    guard cut.sum().item > 0 else { return other }
    let axis = Variable(oneHotOfLargest(x.tensor.map(.absolute).map(.negate))), point = x.detached
    let direction = axis - axis.dot(point) * point
    return select(cut, length * direction * direction.squaredNorm.map(.reciprocalSqrt), other)
  }
}
