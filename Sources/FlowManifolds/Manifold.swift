// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
public import FlowTensor

/// A Riemannian manifold as arithmetic on rows of numbers that derivatives flow through.
///
/// A batch of points is a variable [count, ambient]. A tangent is a row of the same width in the same coordinates:
/// what the derivative of a curve of points gives. Inner products, distances, times and log densities are
/// [count, 1]. Arguments of one call have the same count.
///
/// All maps are smooth where the mathematics is: values and derivatives of every order are finite at 0, and where a
/// manifold has a cut locus its page says what is answered there. Arithmetic is float32. What a row off the manifold
/// gives is not said: ``projected(_:)`` first.
public protocol Manifold: Sendable {
  /// The name that ``manifold(named:)`` reads, such as `sphere(2)`.
  var name: String { get }
  /// The numbers of a row.
  var ambient: Int { get }
  /// The dimension of the manifold.
  var dimension: Int { get }
  /// The largest radius of balls that exp maps one to one; infinite where no point has a cut locus.
  var injectivityRadius: Double { get }

  /// The point of the manifold that is taken for a row near it; a point stays where it is.
  func projected(_ x: Variable) -> Variable
  /// The tangent at x nearest to any row u; linear in u.
  func tangent(_ u: Variable, at x: Variable) -> Variable
  /// ⟨u, v⟩ of two tangents at x, [count, 1].
  func inner(_ u: Variable, _ v: Variable, at x: Variable) -> Variable
  /// Where the geodesic that leaves x with velocity u is at time 1.
  func exp(_ x: Variable, _ u: Variable) -> Variable
  /// The velocity at x of the shortest geodesic that is at y at time 1.
  func log(_ x: Variable, _ y: Variable) -> Variable
  /// The length of the shortest path, [count, 1]; its derivative is taken as 0 where x = y.
  func distance(_ x: Variable, _ y: Variable) -> Variable
  /// The tangent u at x, moved in parallel along the shortest geodesic to y.
  func transport(_ u: Variable, from x: Variable, to y: Variable) -> Variable
  /// The shortest geodesic from x at time 0 to y at time 1: where it is at t, and with what velocity.
  func geodesic(from x: Variable, to y: Variable, at t: Variable) -> (point: Variable, velocity: Variable)

  /// `count` points of the distribution that generation starts from, [count, ambient].
  func samplePrior(_ count: Int, _ random: inout Random) -> Tensor
  /// The log density of that distribution against the Riemannian volume, in nats, [count, 1].
  func priorLogDensity(_ x: Variable) -> Variable
  /// The tangent that a row z names, linear in z: with standard normal rows, standard normal tangents. That is, the
  /// sum of ⟨frame(eᵢ), v⟩² over all axes i is ⟨v, v⟩ for every tangent v.
  func frame(_ z: Variable, at x: Variable) -> Variable
  /// log |det d exp_x| at the tangent u between orthonormal frames, [count, 1]: how exp stretches volume.
  func logVolumeOfExp(_ x: Variable, _ u: Variable) -> Variable
  /// The log, up to a constant, of the Riemannian volume against the one whose divergence is the ambient one of
  /// v∘`projected`, [count, 1]: div v = tr D(v∘projected) + D(this)·v.
  func logVolumeDensity(_ x: Variable) -> Variable

  /// How far each row is from the manifold, in ambient units; infinite for a row with a number that is not finite.
  func violation(_ x: Tensor) -> [Float]
}

extension Manifold {
  /// |u| of a tangent at x, [count, 1]; its derivative is taken as 0 where u = 0.
  public func norm(_ u: Variable, at x: Variable) -> Variable { inner(u, u, at: x).map(.sqrt) }

  /// |log_x(y)|.
  public func distance(_ x: Variable, _ y: Variable) -> Variable { norm(log(x, y), at: x) }

  /// exp_x(t·log_x(y)) and its derivative in t.
  public func geodesic(from x: Variable, to y: Variable, at t: Variable)
    -> (point: Variable, velocity: Variable)
  {
    let u = log(x, y)
    let (point, velocity) = jvp(at: [t], along: [Variable(Tensor(repeating: 1, shape: t.shape))]) {
      exp(x, $0[0] * u)
    }
    return (point, velocity)
  }

  /// The tangent part: right for a metric that is that of the space around.
  public func frame(_ z: Variable, at x: Variable) -> Variable { tangent(z, at: x) }

  /// Standard normal tangents at x.
  public func tangentNormal(at x: Variable, _ random: inout Random) -> Variable {
    frame(Variable(random.normal(x.shape)), at: x)
  }

  /// 0: right for a metric that is that of the space around, where `projected` is orthogonal.
  public func logVolumeDensity(_ x: Variable) -> Variable { Variable(.zeros([x.shape[0], 1])) }

  /// The distance to the projection of each row.
  public func violation(_ x: Tensor) -> [Float] {
    let distance = (Variable(x) - projected(Variable(x))).squaredNorm.map(.sqrt)
    return distance.tensor.elements.map { $0.isFinite ? $0 : .infinity }
  }
}
