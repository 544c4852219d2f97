// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowTensor
import Testing

@testable import FlowGeneration

@Suite("Kernels that walk on manifolds")
struct GeometryTests {
  static let geometries = [
    "euclidean(3)", "torus(7)", "sphere(2)", "sphere(40)", "so(3)", "hyperboloid(2)", "hyperboloid(5)",
    "poincare(2)", "product(sphere(2),torus(2))", "se(3)", "power(se(3),3)", "scaled(2,sphere(3))",
  ]

  /// Rows from `stride` numbers apart, so that factors and trajectories are covered.
  private func moved(
    _ geometry: PointGeometry, _ x: Tensor, _ u: Tensor, head: Head, scale: Float
  ) -> [Float] {
    let (rows, ambient) = (x.shape[0], geometry.ambient), stride = ambient + 5
    let points = Workspace(count: rows * stride), tangents = Workspace(count: rows * stride)
    for row in 0..<rows {
      for column in 0..<ambient {
        points.floats[row * stride + column] = x.elements[row * ambient + column]
        tangents.floats[row * stride + column] = u.elements[row * ambient + column]
      }
    }
    geometry.step(
      rows, head, scale: scale, along: tangents.floats, uStride: stride, from: points.floats, stride: stride)
    return (0..<rows * ambient).map { points.floats[$0 / ambient * stride + $0 % ambient] }
  }

  /// What a network might answer: anything, but on the hyperboloid, where the tangent part of anything is as long as the
  /// point is far, a tangent and something across it.
  private func answers(_ space: any Manifold, _ x: Tensor, _ random: inout Random) -> Tensor {
    guard space is Hyperboloid else { return random.normal(x.shape) }
    return (space.tangentNormal(at: Variable(x), &random) + 0.1 * Variable(x)).tensor
  }

  @Test("a step is that of the manifold, for long, short and no velocities", arguments: geometries)
  func step(name: String) throws {
    let space = try manifold(named: name), fused = PointGeometry(space)
    #expect(fused.isFused)
    var random = Random(key: 5)
    let x = space.samplePrior(70, &random), u = answers(space, x, &random)
    for (scale, tolerance) in [(Float(-1), Float(3e-5)), (0.3, 1e-5), (-1e-4, 3e-6), (0, 3e-6)] {
      let found = moved(fused, x, u, head: .velocity, scale: scale)
      let wanted = moved(PointGeometry(general: space), x, u, head: .velocity, scale: scale)
      for (a, b) in zip(found, wanted) {
        // Angles just below a turn and just above 0 are neighbours.
        let apart = min(abs(a - b), name.contains("torus") ? abs(abs(a - b) - 2 * .pi) : .infinity)
        // A row's own rounding on a hyperboloid grows with how far it is.
        let rounding = tolerance * (space is Hyperboloid ? 5 : 1)
        #expect(apart <= rounding * max(1, abs(b)), "\(a) for \(b), scale \(scale)")
      }
    }
  }

  @Test(
    "velocities that are divided by the metric's length are so by kernels",
    arguments: ["poincare(3)", "sphere(2)"])
  func normalised(name: String) throws {
    let space = try manifold(named: name)
    var random = Random(key: 6)
    let x = space.samplePrior(30, &random), u = random.normal(x.shape)
    let found = moved(PointGeometry(space), x, u, head: .metricNormalised, scale: -1)
    let wanted = moved(PointGeometry(general: space), x, u, head: .metricNormalised, scale: -1)
    #expect(zip(found, wanted).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test(
    "points of the prior are on the manifold, spread as it says, and the same wherever a draw begins",
    arguments: geometries + ["spd(2)"])
  func prior(name: String) throws {
    let space = try manifold(named: name), geometry = PointGeometry(space), count = 4096
    let all = Workspace(count: count * geometry.ambient)
    geometry.draw(count, seed: 11, first: 0, into: all.floats, stride: geometry.ambient)
    let points = Tensor([count, geometry.ambient]) {
      $0.update(from: all.floats, count: count * geometry.ambient)
    }
    #expect(geometry.fault(in: points.elements) == nil)
    let part = Workspace(count: 100 * geometry.ambient)
    geometry.draw(100, seed: 11, first: 777, into: part.floats, stride: geometry.ambient)
    for place in 0..<100 * geometry.ambient {
      #expect(part.floats[place] == all.floats[777 * geometry.ambient + place])
    }
    var random = Random(key: 12)
    let other = space.samplePrior(count, &random)
    let moments = { (x: Tensor) in
      x.map(.absolute).sum(axis: 0).elements + x.map(.tanh).map(.square).sum(axis: 0).elements
    }
    for (a, b) in zip(moments(points), moments(other)) {
      #expect(abs(a - b) < 0.2 * max(b, Float(count) * 0.05), "\(a) and \(b)")
    }
  }

  @Test("a point off the manifold is found, and how far it is")
  func fault() throws {
    let sphere = PointGeometry(try manifold(named: "sphere(2)"))
    #expect(sphere.fault(in: [1, 0, 0, 0, 0.6, 0.8]) == nil)
    let fault = try #require(sphere.fault(in: [1, 0, 0, 0, 0, 1.5]))
    #expect(fault.index == 1 && abs(fault.distance - 0.5) < 1e-6)
    let ball = PointGeometry(try manifold(named: "poincare(2)"))
    #expect(ball.fault(in: [0.9, 0, 1.2, 0])?.index == 1)
  }
}
