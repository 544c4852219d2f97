// SPDX-License-Identifier: Apache-2.0

package import FlowAutodiff
package import FlowTensor

/// Hyperbolic space Hⁿ as the upper sheet ⟨x, x⟩ = −1, x₀ > 0, of the hyperboloid in ℝⁿ⁺¹ with the Lorentz product
/// ⟨x, y⟩ = −x₀y₀ + Σ xᵢyᵢ, which is the metric of the tangents.
///
/// With r = |u|: exp_x(u) = cosh r·x + (sinh r/r)·u. With d = y − x and h = ⟨d, d⟩/2 = cosh(distance) − 1:
/// log_x(y) = r/sinh r·(d − h·x). Transport: u + ⟨u, y⟩(x + y)/(2 + h). Curvature −1, no cut locus.
/// Prior: exp at (1, 0, …, 0) of a standard normal.
///
/// Lengths are taken after a boost to the origin and h in a form that is a sum of squares, so that neither cancels; but
/// a row's own rounding grows with e^radius: 1e-7·e^r of the distance between points at radius r. Velocities longer
/// than 40 count as 40, before which float32 ends.
///
/// Nickel, Kiela 2018; Ratcliffe, Foundations of Hyperbolic Manifolds (2006).
package struct Hyperboloid: Manifold {
  package let dimension: Int

  /// H^`dimension`, of one dimension or more.
  package init(dimension: Int) {
    precondition(dimension > 0, "Hyperboloid: dimension \(dimension)")
    self.dimension = dimension
  }

  package var name: String { "hyperboloid(\(dimension))" }
  package var ambient: Int { dimension + 1 }
  package var injectivityRadius: Double { .infinity }

  private func time(_ x: Variable) -> Variable { x.slice(axis: 1, 0..<1) }
  private func space(_ x: Variable) -> Variable { x.slice(axis: 1, 1..<ambient) }
  private func lorentz(_ x: Variable, _ y: Variable) -> Variable {
    space(x).dot(space(y)) - time(x) * time(y)
  }

  /// The point above: x₀ = √(1 + Σ xᵢ²).
  package func projected(_ x: Variable) -> Variable {
    let s = space(x)
    return concatenate([(1 + s.squaredNorm).map(.sqrt), s], axis: 1)
  }

  /// u + ⟨u, x⟩x.
  package func tangent(_ u: Variable, at x: Variable) -> Variable { u + lorentz(u, x) * x }

  /// A tangent at x in the frame of the origin: the space part after the boost that takes x there.
  private func boosted(_ u: Variable, from x: Variable) -> Variable {
    // u₀ from the space part: as it must be, whatever its rounding.
    let along = space(x).dot(space(u)) / time(x)
    return space(u) - (along / (1 + time(x))) * space(x)
  }

  package func inner(_ u: Variable, _ v: Variable, at x: Variable) -> Variable {
    boosted(u, from: x).dot(boosted(v, from: x))
  }

  package func exp(_ x: Variable, _ u: Variable) -> Variable {
    let (square, u) = limited(u, square: inner(u, u, at: x))
    return projected((-square).map(.stumpff(0)) * x + (-square).map(.stumpff(1)) * u)
  }

  package func log(_ x: Variable, _ y: Variable) -> Variable {
    let h = halfSquare(x, y)
    return h.map(.angleOverSine(derivative: 0)) * (y - x - h * x)
  }

  package func distance(_ x: Variable, _ y: Variable) -> Variable {
    let h = halfSquare(x, y)
    return (h * (2 + h)).map(.sqrt) * h.map(.angleOverSine(derivative: 0))
  }

  package func transport(_ u: Variable, from x: Variable, to y: Variable) -> Variable {
    u + (lorentz(u, y - x) / (2 + halfSquare(x, y))) * (x + y)
  }

  /// ⟨d, d⟩/2 for d = y − x. With s = x + y, ⟨d, s⟩ = 0 makes it |d|² − (d·s)²/s₀² of the space parts, and that is
  /// |d − β(d·s)s|² with β = 1/(s₀(s₀ + √−⟨s, s⟩)).
  private func halfSquare(_ x: Variable, _ y: Variable) -> Variable {
    let d = space(y) - space(x), s = space(x) + space(y), s0 = time(x) + time(y)
    let length = Variable.maximum(s0.map(.square) - s.squaredNorm, Variable(4)).map(.sqrt)
    return 0.5 * (d - (d.dot(s) / (s0 * (s0 + length))) * s).squaredNorm
  }

  package func samplePrior(_ count: Int, _ random: inout Random) -> Tensor {
    let z = Tensor.concatenate([.zeros([count, 1]), random.normal([count, dimension])], axis: 1)
    return exp(origin(count), Variable(z)).tensor
  }

  package func priorLogDensity(_ x: Variable) -> Variable {
    let origin = origin(x.shape[0])
    return standardNormalLogDensity(log(origin, x), at: origin)
  }

  private func origin(_ count: Int) -> Variable {
    Variable(
      Tensor((0..<ambient).map { $0 == 0 ? 1 : 0 }, shape: [1, ambient]).broadcast(to: [count, ambient]))
  }

  /// The space part of z, boosted from the origin to x.
  package func frame(_ z: Variable, at x: Variable) -> Variable {
    let along = space(x).dot(space(z))
    return concatenate([along, space(z) + (along / (1 + time(x))) * space(x)], axis: 1)
  }

  /// (n − 1)·log(sinh r/r).
  package func logVolumeOfExp(_ x: Variable, _ u: Variable) -> Variable {
    hyperbolicLogVolume(dimension, square: inner(u, u, at: x))
  }

  /// −log x₀: rows are charted by their space part.
  package func logVolumeDensity(_ x: Variable) -> Variable { -time(x).map(.log) }
}

/// A velocity and its squared length, the length being 40 at most.
func limited(_ u: Variable, square: Variable) -> (square: Variable, u: Variable) {
  let long = greater(square, Variable(1600))
  guard long.sum().item > 0 else { return (square, u) }
  let scale = select(long, 40 * select(long, square, Variable(1)).map(.reciprocalSqrt), Variable(1))
  return (scale.map(.square) * square, scale * u)
}

/// (n − 1)·log(sinh r/r) for a length r of 40 at most.
func hyperbolicLogVolume(_ dimension: Int, square: Variable) -> Variable {
  Float(dimension - 1) * (-limited(square, square: square).square).map(.stumpff(1)).map(.log)
}
