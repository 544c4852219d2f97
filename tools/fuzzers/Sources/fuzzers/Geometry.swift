// SPDX-License-Identifier: Apache-2.0

internal import FlowManifolds

/// The name of a manifold.
let geometryTarget = Target("geometry", seeds: geometrySeeds) { bytes in
  do {
    let space = try manifold(named: String(decoding: bytes, as: UTF8.self))
    expect((1...65_536).contains(space.ambient), "a point of \(space.name) has few enough numbers")
    let again = try? manifold(named: space.name)
    expect(again?.name == space.name && again?.ambient == space.ambient, "\(space.name) is a name")
  } catch let error as GeometryError {
    expect(!error.description.isEmpty, "an error has a message")
  } catch {
    fail("broken: \(error) is an error of geometry")
  }
}

@Sendable private func geometrySeeds() -> [[UInt8]] {
  [
    "sphere(2)", "euclidean(3)", "torus(7)", "so(3)", "se(3)", "hyperboloid(2)", "poincare(2)", "spd(3)",
    "stiefel(5,2)", "grassmann(5,2)", "simplex(4)", "scaled(0.5,sphere(2))", "power(se(3),8)",
    "product(sphere(2),power(scaled(2e-1,torus(2)),3),euclidean(1))",
  ].map { Array($0.utf8) }
}
