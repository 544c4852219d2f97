// SPDX-License-Identifier: Apache-2.0
struct NoSuch: Error {}
public func manifold(named name: String) throws -> any Manifold {
  if name == "sphere(2)" { return Sphere(dimension: 2) }
  if name == "euclidean(3)" { return Euclidean(dimension: 3) }
  if name == "torus(7)" { return FlatTorus(dimension: 7) }
  throw NoSuch()
}
