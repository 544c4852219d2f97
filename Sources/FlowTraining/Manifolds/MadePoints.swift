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
  guard manifold is PoincareBall, manifold.ambient == 2 else {
    throw TrainingError(.badRecipe, "hyperbolicPair wants the manifold poincare(2), not \(manifold.name)")
  }
  var random = Random(key: 2302)
  let means = Tensor(
    (0..<count).flatMap { $0 % 2 == 0 ? [-0.6, 0.6] : [0.6, -0.6] as [Float] }, shape: [count, 2])
  let centre = Variable(means)
  return manifold.exp(centre, 0.7 * manifold.tangentNormal(at: centre, &random)).tensor
}

/// Chains of bodies in space, each moved against the one before by 0.5 along its own x axis and turned by one of two
/// turns, the same along a chain but for noise of 0.1: a tight helix or a slight bend. The first is turned at random by
/// 0.3, and the mean place is the origin. Rows of nine numbers of the rotation and three of the place a body.
func rigidChainPoses(count: Int, on manifold: any Manifold) throws -> Tensor {
  guard let chain = manifold as? Power, chain.base.name == "se(3)" else {
    throw TrainingError(.badRecipe, "rigidChains wants the manifold power(se(3),n), not \(manifold.name)")
  }
  let group = SpecialOrthogonal(), bodies = chain.copies
  var random = Random(key: 3333)
  let identity = Variable(Tensor((0..<9).map { $0 % 4 == 0 ? 1 : 0 }, shape: [1, 9])).broadcast(to: [
    count, 9,
  ])
  let turn = { (axis: [Float], random: inout Random) in
    let noise = Variable(random.normal([count, 3]).affine(scale: 0.1))
    return group.exp(identity, hat(Variable(Tensor(axis, shape: [count, 3])) + noise))
  }
  let isHelix = random.uniforms(count).map { $0 < 0.5 }
  let axes = isHelix.flatMap { $0 ? [0.5, 0, 1.5] : [0, 0.3, 0.1] as [Float] }
  var rotation = group.exp(identity, hat(Variable(random.normal([count, 3]).affine(scale: 0.3))))
  var place = Variable(.zeros([count, 3])), rotations: [Variable] = [], places: [Variable] = []
  for _ in 0..<bodies {
    rotations.append(rotation)
    places.append(place)
    let matrix = rotation.reshaped([count, 3, 3])
    place = place + 0.5 * matrix.slice(axis: 2, 0..<1).reshaped([count, 3])
    let step = turn(axes, &random).reshaped([count, 3, 3])
    rotation = group.projected(FlowAutodiff.matmul(matrix, step).reshaped([count, 9]))
  }
  let centre = stack(places, axis: 1).mean(axis: 1)
  return concatenate(zip(rotations, places).flatMap { [$0, $1 - centre] }, axis: 1).tensor
}

/// The matrices of cross products with rows ω, [count, 9]: tangents of SO(3) at the identity.
private func hat(_ omega: Variable) -> Variable {
  let parts = omega.unstacked(axis: 1).map { $0.reshaped([omega.shape[0], 1]) }
  let zero = 0 * parts[0]
  return concatenate(
    [zero, -parts[2], parts[1], parts[2], zero, -parts[0], -parts[1], parts[0], zero], axis: 1)
}

/// A helix around S², laid into a larger sphere by a random rotation: τ uniform in −π…π, longitude 5τ, latitude τ/2,
/// moved along a normal tangent of deviation 0.05 (2602.07744).
func sphereHelix(count: Int, on manifold: any Manifold) throws -> Tensor {
  let ambient = manifold.ambient
  guard manifold is Sphere, ambient >= 3 else {
    throw TrainingError(.badRecipe, "helix wants a manifold sphere(n) with n ≥ 2, not \(manifold.name)")
  }
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
    return Sphere(dimension: ambient - 1).projected(FlowAutodiff.matmul(Variable(self), Variable(frame)))
      .tensor
  }
}
