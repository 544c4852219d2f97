// SPDX-License-Identifier: Apache-2.0

package import FlowAutodiff
package import FlowTensor

/// The flat torus Tⁿ = (ℝ/2πℤ)ⁿ: rows of n angles, kept in [0, 2π), with ⟨u, v⟩ = Σ uᵢvᵢ.
///
/// exp_x(u) = x + u, wrapped. log_x(y) = y − x with each coordinate wrapped to [−π, π); distance = √Σ logᵢ², the true
/// geodesic one. Transport changes nothing; curvature 0; injectivity radius π.
///
/// A point's angles lie in [0, 2π]: float32 rounds the last turn's end up.
///
/// Cut locus: where two angles are half a turn apart log goes backwards, to −π. Angles of any size are taken as input;
/// their wrapped value is good to 2e-7 a turn.
package struct FlatTorus: Manifold {
  package let dimension: Int

  /// T^`dimension`, of one dimension or more.
  package init(dimension: Int) {
    precondition(dimension > 0, "FlatTorus: dimension \(dimension)")
    self.dimension = dimension
  }

  package var name: String { "torus(\(dimension))" }
  package var ambient: Int { dimension }
  package var injectivityRadius: Double { .pi }

  package func projected(_ x: Variable) -> Variable { wrapped(x, from: 0) }
  package func tangent(_ u: Variable, at x: Variable) -> Variable { u }
  package func inner(_ u: Variable, _ v: Variable, at x: Variable) -> Variable { u.dot(v) }
  package func exp(_ x: Variable, _ u: Variable) -> Variable { projected(x + u) }
  package func log(_ x: Variable, _ y: Variable) -> Variable { wrapped(y - x, from: -.pi) }
  package func transport(_ u: Variable, from x: Variable, to y: Variable) -> Variable { u }

  /// x minus the whole turns that leave it in [from, from + 2π].
  private func wrapped(_ x: Variable, from: Float) -> Variable {
    let turns = ((x - from) / (2 * Float.pi)).tensor.map(.floor)
    // 2π as a float and what it lacks, so that many turns cost no precision.
    let high: Float = 2 * .pi, low = Float(2 * Double.pi - Double(high))
    return x - Variable(turns.affine(scale: high)) - Variable(turns.affine(scale: low))
  }

  package func geodesic(from x: Variable, to y: Variable, at t: Variable)
    -> (point: Variable, velocity: Variable)
  {
    let u = log(x, y)
    return (exp(x, t * u), u)
  }

  package func samplePrior(_ count: Int, _ random: inout Random) -> Tensor {
    random.uniform([count, dimension]).affine(scale: 2 * .pi)
  }

  /// −n·log 2π, the uniform density.
  package func priorLogDensity(_ x: Variable) -> Variable {
    x.zeroColumn - Float(Double(dimension) * (logTwo + logPi))
  }

  package func logVolumeOfExp(_ x: Variable, _ u: Variable) -> Variable { u.zeroColumn }

  /// Angles of any size name a point: only what is not finite is off the torus.
  package func violation(_ x: Tensor) -> [Float] {
    (Variable(x) - Variable(x)).squaredNorm.tensor.elements.map { $0 == 0 ? 0 : .infinity }
  }
}
