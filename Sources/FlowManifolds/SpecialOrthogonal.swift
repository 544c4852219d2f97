// SPDX-License-Identifier: Apache-2.0

package import FlowAutodiff
package import FlowTensor
internal import Foundation

/// The rotations of space SO(3): rows of nine numbers, a matrix row by row, with the bi-invariant metric
/// ⟨U, V⟩ = tr(UᵀV)/2.
///
/// Tangents are the nine numbers of U = R·hat(ω); the body vector ω is their length and direction: |U| = |ω|, radians.
/// With K = hat(ω) and θ = |ω|: exp_R(U) = R·(I + sin θ/θ·K + (1 − cos θ)/θ²·K²). log goes through the unit quaternion
/// (w, v) of RᵀS with w ≥ 0: ω = 2·arccos w/√(1 − w²)·v, smooth up to half a turn. With E = exp(hat(ω)/2),
/// transport: R·hat(η) ↦ R·E·hat(η)·E. Curvature ¼; injectivity radius π. Prior: uniform, density 1/8π².
///
/// Cut locus: rotations half a turn apart, w = 0, where both directions of the axis are shortest. log takes the one whose
/// largest component (of those within 5e-5, the first) is positive; it and its derivatives are finite there.
///
/// Quaternion by the column of 4qqᵀ with the largest diagonal: Shepperd 1978; Bar-Itzhack 2000.
package struct SpecialOrthogonal: Manifold {
  /// SO(3).
  package init() {}

  package var name: String { "so(3)" }
  package var ambient: Int { 9 }
  package var dimension: Int { 3 }
  package var injectivityRadius: Double { .pi }

  /// The rotation nearest to x, x·(xᵀx)^(−½), where the determinant is positive; else the one nearest to −x.
  package func projected(_ x: Variable) -> Variable {
    let x = x.matrices(3, 3)
    let turned = x.times(x.transposedTimes(x).spectral(.power(-0.5))).flattened
    let negative = greater(Variable(0), determinant(turned))
    return select(negative, -turned, turned)
  }

  /// |xᵀx − I|, and how far the determinant is from 1: a matrix that is singular has no nearest rotation.
  package func violation(_ x: Tensor) -> [Float] {
    let rows = Variable(x), x = rows.matrices(3, 3)
    let square = (x.transposedTimes(x) - identity(3)).flattened.squaredNorm
    let turned = (determinant(rows) - 1).map(.square)
    return (square + turned).map(.sqrt).tensor.elements.map { $0.isFinite ? $0 : .infinity }
  }

  private func determinant(_ x: Variable) -> Variable {
    let e = (0..<9).map { x.slice(axis: 1, $0..<$0 + 1) }
    return e[0] * (e[4] * e[8] - e[5] * e[7]) - e[1] * (e[3] * e[8] - e[5] * e[6])
      + e[2] * (e[3] * e[7] - e[4] * e[6])
  }

  /// R·(RᵀU − UᵀR)/2.
  package func tangent(_ u: Variable, at x: Variable) -> Variable { moved(body(u, at: x), at: x) }

  package func inner(_ u: Variable, _ v: Variable, at x: Variable) -> Variable { 0.5 * u.dot(v) }

  package func exp(_ x: Variable, _ u: Variable) -> Variable {
    x.matrices(3, 3).times(rotation(body(u, at: x))).flattened
  }

  package func log(_ x: Variable, _ y: Variable) -> Variable { moved(rotationVector(x, y), at: x) }

  package func distance(_ x: Variable, _ y: Variable) -> Variable {
    rotationVector(x, y).squaredNorm.map(.sqrt)
  }

  package func transport(_ u: Variable, from x: Variable, to y: Variable) -> Variable {
    let half = rotation(0.5 * rotationVector(x, y))
    return x.matrices(3, 3).times(half.around(hat(body(u, at: x)))).flattened
  }

  package func samplePrior(_ count: Int, _ random: inout Random) -> Tensor {
    let q = Sphere(dimension: 3).samplePrior(count, &random)
    return rotation(quaternion: Variable(q)).flattened.tensor
  }

  package func priorLogDensity(_ x: Variable) -> Variable {
    x.zeroColumn - Float(3 * logTwo + 2 * logPi)
  }

  package func frame(_ z: Variable, at x: Variable) -> Variable {
    moved(Float(0.5).squareRoot() * product(z, generators, transposeB: true), at: x)
  }

  /// 2·log|sin(θ/2)/(θ/2)|.
  package func logVolumeOfExp(_ x: Variable, _ u: Variable) -> Variable {
    2 * (0.25 * inner(u, u, at: x)).map(.stumpff(1)).map(.absolute).map(.log)
  }

  // MARK: Body vectors

  /// hat of the three axes, [3, 9].
  private var generators: Variable {
    Variable(
      Tensor(
        [
          0, 0, 0, 0, 0, -1, 0, 1, 0,
          0, 0, 1, 0, 0, 0, -1, 0, 0,
          0, -1, 0, 1, 0, 0, 0, 0, 0,
        ], shape: [3, 9]))
  }

  /// hat(ω), [count, 3, 3].
  private func hat(_ body: Variable) -> Variable { product(body, generators).matrices(3, 3) }

  /// ω of the tangent part of u.
  package func body(_ u: Variable, at x: Variable) -> Variable {
    let local = x.matrices(3, 3).transposedTimes(u.matrices(3, 3)).flattened
    return 0.5 * product(local, generators, transposeB: true)
  }

  /// R·hat(ω).
  package func moved(_ body: Variable, at x: Variable) -> Variable {
    x.matrices(3, 3).times(hat(body)).flattened
  }

  /// The rotation by |ω| about ω, [count, 3, 3].
  private func rotation(_ body: Variable) -> Variable {
    let square = body.squaredNorm, k = hat(body)
    let first = square.map(.stumpff(1)), second = square.map(.stumpff(2))
    return identity(3) + first.matrices(1, 1) * k + second.matrices(1, 1) * k.times(k)
  }

  /// I + 2w·hat(v) + 2·hat(v)² for unit quaternions (w, v).
  private func rotation(quaternion q: Variable) -> Variable {
    let w = q.slice(axis: 1, 0..<1).matrices(1, 1), k = hat(q.slice(axis: 1, 1..<4))
    return identity(3) + 2 * (w * k + k.times(k))
  }

  /// ω of the shortest rotation from x to y.
  private func rotationVector(_ x: Variable, _ y: Variable) -> Variable {
    let q = quaternion(x.matrices(3, 3).transposedTimes(y.matrices(3, 3)).flattened)
    let w = q.slice(axis: 1, 0..<1), v = q.slice(axis: 1, 1..<4)
    // w − 1 without cancelling.
    let rest = -v.squaredNorm / (1 + w)
    return 2 * rest.map(.angleOverSine(derivative: 0)) * v
  }

  /// The unit quaternion (w, v) of a rotation, w ≥ 0.
  private func quaternion(_ x: Variable) -> Variable {
    let square = product(x, Variable(Self.squareOfQuaternion)).matrices(4, 4) + identity(4)
    let diagonal = (square * identity(4)).sum(axis: 2).tensor
    let chosen = Variable(oneHotOfLargest(diagonal))
    let column = square.times(chosen.matrices(4, 1)).flattened
    let q = 0.5 * column * column.dot(chosen).map(.reciprocalSqrt)
    return select(greater(Variable(0), q.slice(axis: 1, 0..<1)), -q, q)
  }

  /// 4qqᵀ − I as a linear function of the matrix of q, [9, 16].
  private static let squareOfQuaternion: Tensor = {
    var map = [Float](repeating: 0, count: 9 * 16)
    func set(_ row: Int, _ column: Int, _ terms: [(entry: Int, sign: Float)]) {
      for (entry, sign) in terms {
        map[entry * 16 + 4 * row + column] = sign
        map[entry * 16 + 4 * column + row] = sign
      }
    }
    for axis in 0..<4 {
      set(axis, axis, (0..<3).map { (4 * $0, axis == 0 || axis == $0 + 1 ? 1 : -1) })
    }
    set(0, 1, [(7, 1), (5, -1)])
    set(0, 2, [(2, 1), (6, -1)])
    set(0, 3, [(3, 1), (1, -1)])
    set(1, 2, [(1, 1), (3, 1)])
    set(1, 3, [(2, 1), (6, 1)])
    set(2, 3, [(5, 1), (7, 1)])
    return Tensor(map, shape: [9, 16])
  }()
}
