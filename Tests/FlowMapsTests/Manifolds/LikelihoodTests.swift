// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowTensor
import Testing

@Suite("Divergence and likelihood")
struct LikelihoodTests {
  private static let sphere = Sphere(dimension: 2)

  private func points(_ manifold: any Manifold) -> Tensor {
    var random = Random(key: 3)
    return manifold.samplePrior(40, &random)
  }

  private func divergence(_ map: ManifoldMap) -> Tensor {
    let z = Variable(points(map.manifold)), t = Variable(Tensor(repeating: 0.5, shape: [40, 1]))
    return FlowMaps.divergence(at: z, on: map.manifold) { map.velocity($0, at: t) }.divergence.tensor
  }

  @Test("f(x) = c·x has no tangent part on a sphere, so no divergence, which a Euclidean one would not see")
  func radial() {
    #expect(largest(divergence(ManifoldMap(Self.sphere) { z, _, _ in 2.5 * z })) < 1e-5)
  }

  @Test("a linear field's divergence is tr A − (n + 1)·⟨x, Ax⟩ on Sⁿ")
  func linear() {
    var random = Random(key: 9)
    let a = Variable(random.normal([3, 3])), z = Variable(points(Self.sphere))
    let found = divergence(ManifoldMap(Self.sphere) { z, _, _ in matmul(z, a, transposeB: true) })
    let trace = (0..<3).reduce(Float(0)) { $0 + a.tensor.elements[4 * $1] }
    let form = (z * matmul(z, a, transposeB: true)).sum(axes: [1], keepingAxes: true)
    let wanted = trace - 3 * form
    #expect(largest((Variable(found) - wanted).tensor) < 2e-5)
  }

  @Test(
    "a rotation has no divergence",
    arguments: ["sphere(2)", "torus(3)", "so(3)", "poincare(2)", "hyperboloid(2)"])
  func rotation(name: String) {
    let flow = ExactFlow(.rotation, name)
    // Rows far out in hyperbolic space are good to fewer digits.
    #expect(largest(divergence(flow.map)) < 1e-3, "\(largest(divergence(flow.map)))")
  }

  /// div grad (d²/2) = n + s·∂/∂s log |det d exp(s·u)|, and the gradient is −log_y(x).
  @Test(
    "the Laplacian of the squared distance is what the volume of exp says",
    arguments: [
      "euclidean(3)", "torus(2)", "sphere(2)", "so(3)", "hyperboloid(2)", "poincare(2)", "spd(2)",
      "simplex(2)",
      "product(hyperboloid(2),sphere(2))", "scaled(2,hyperboloid(2))", "power(hyperboloid(1),2)",
    ])
  func laplacian(name: String) throws {
    let manifold = try FlowManifolds.manifold(named: name)
    var random = Random(key: 12)
    let x = Variable(manifold.samplePrior(20, &random)), u = 0.3 * manifold.tangentNormal(at: x, &random)
    let y = manifold.exp(x, u)
    let found = FlowMaps.divergence(at: y, on: manifold) { -manifold.log($0, x) }.divergence
    let one = Variable(Tensor(repeating: 1, shape: [20, 1]))
    let stretch = jvp(at: [one], along: [one]) { manifold.logVolumeOfExp(x, $0[0] * u) }.tangent
    let difference = largest((found - stretch - Float(manifold.dimension)).tensor)
    // The simplex's prior has points near its boundary, where its chart is steep.
    #expect(difference < (name.hasPrefix("simplex") ? 3e-2 : 2e-3), "\(difference)")
  }

  @Test(
    "where everything stays or turns, points have the uniform density: −log 4π, −3·log 2π",
    arguments: [0, 1, 2])
  func uniform(index: Int) {
    let still = ManifoldMap(Self.sphere) { z, _, _ in 2 * z }
    let turning = ExactFlow(.rotation, "sphere(2)").map
    let torus = ExactFlow(.rotation, "torus(3)").map
    let (map, wanted): (ManifoldMap, Float) = [(still, 2.5310), (turning, 2.5310), (torus, 5.5136)][index]
    let found = map.logLikelihood(points(map.manifold), solver: FlowSolver(.rk4, steps: 10))
    #expect(found.allSatisfy { abs($0 + wanted) < 2e-4 }, "\(found)")
  }

  @Test("the density of a map that pulls points together integrates to 1")
  func integral() {
    let pulling = ManifoldMap(Self.sphere) { z, _, t in
      t * Variable(Tensor([0, 0, -1.5], shape: [1, 3])) + 0 * z
    }
    var random = Random(key: 5)
    let uniform = Self.sphere.samplePrior(20_000, &random)
    let densities = pulling.logLikelihood(uniform, solver: FlowSolver(.rk4, steps: 10)).map { Double($0) }
    let mean = densities.reduce(0) { $0 + _exp($1) } / Double(densities.count) * 4 * Double.pi
    #expect(abs(mean - 1) < 0.02, "\(mean)")
    #expect((densities.max() ?? 0) - (densities.min() ?? 0) > 1)
  }

  private func _exp(_ x: Double) -> Double { Double(Variable(Float(x)).map(.exp).tensor.item) }
}
