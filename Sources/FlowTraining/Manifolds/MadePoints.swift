// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowManifolds
internal import FlowTensor
internal import Glibc

/// Rotations that take the y axis to directions along a Swiss roll, 3×3 row by row: φ = 3π(1 − U),
/// (a, c) = φ·(cos φ, sin φ) + noise of 0.01, the direction of (a, 10, c), by the smallest rotation (2510.00983).
func swissRollRotations(count: Int) -> Tensor {
  var random = Random(key: 2510)
  let uniform = random.uniforms(count), noise = random.normal([count, 2]).elements
  let rows = (0..<count).flatMap { item -> [Float] in
    let phi = 3 * Double.pi * Double(1 - uniform[item])
    let a = phi * cos(phi) + 0.01 * Double(noise[2 * item])
    let c = phi * sin(phi) + 0.01 * Double(noise[2 * item + 1])
    let length = (a * a + 100 + c * c).squareRoot()
    return turning(to: [a / length, 10 / length, c / length]).map(Float.init)
  }
  return Tensor(rows, shape: [count, 9])
}

/// The smallest rotation that takes (0, 1, 0) to the unit vector d with d₁ > −1: I + [k]ₓ + [k]ₓ²/(1 + d₁),
/// k = (0, 1, 0) × d.
private func turning(to d: [Double]) -> [Double] {
  let (x, z) = (d[2], -d[0])
  let share = 1 / (1 + d[1])
  return [
    1 - share * z * z, -z, share * x * z,
    z, 1 - share * (x * x + z * z), -x,
    share * x * z, x, 1 - share * x * x,
  ]
}

/// Wrapped normals of deviation 0.7 around (−0.6, 0.6) and (0.6, −0.6) of the Poincaré disk, every other point of one.
func hyperbolicPairPoints(count: Int, on manifold: any Manifold) throws -> Tensor {
  guard manifold.ambient == 2 else {
    throw TrainingError(.badRecipe, "hyperbolicPair wants the manifold poincare(2), not \(manifold.name)")
  }
  var random = Random(key: 2302)
  let means = Tensor((0..<count).flatMap { $0 % 2 == 0 ? [-0.6, 0.6] : [0.6, -0.6] as [Float] }, shape: [count, 2])
  let centre = Variable(means)
  return manifold.exp(centre, 0.7 * manifold.tangentNormal(at: centre, &random)).tensor
}

/// A helix around S², laid into a larger sphere by a random rotation: τ uniform in −π…π, longitude 5τ, latitude τ/2,
/// moved along a normal tangent of deviation 0.05 (2602.07744).
func sphereHelix(count: Int, ambient: Int) -> Tensor {
  precondition(ambient >= 3, "sphereHelix: \(ambient) coordinates")
  var random = Random(key: 2602)
  let places = random.uniforms(count).map { Double(2 * $0 - 1) * .pi }
  let rows = places.flatMap { place in
    [cos(place / 2) * cos(5 * place), cos(place / 2) * sin(5 * place), sin(place / 2)].map(Float.init)
  }
  let small = Sphere(dimension: 2), line = Variable(Tensor(rows, shape: [count, 3]))
  let points = small.exp(line, 0.05 * small.tangentNormal(at: line, &random))
  return small.projected(points).tensor.embedded(in: ambient, &random)
}

extension Tensor {
  /// Rows x as x·A with A [width, ambient] of orthonormal rows drawn at random; as they are in a space of their width.
  fileprivate func embedded(in ambient: Int, _ random: inout Random) -> Tensor {
    let width = shape[1]
    if width == ambient { return self }
    var rows: [[Double]] = []
    for _ in 0..<width {
      var row = random.normal([ambient]).elements.map(Double.init)
      for other in rows {
        let along = zip(row, other).reduce(0) { $0 + $1.0 * $1.1 }
        row = zip(row, other).map { $0 - along * $1 }
      }
      let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      rows.append(row.map { $0 / length })
    }
    let frame = Tensor(rows.flatMap { $0.map(Float.init) }, shape: [width, ambient])
    return Sphere(dimension: ambient - 1).projected(FlowAutodiff.matmul(Variable(self), Variable(frame))).tensor
  }
}
