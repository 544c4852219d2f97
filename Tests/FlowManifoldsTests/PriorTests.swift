// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowTensor
import Foundation
import Testing

@Suite("Priors")
struct PriorTests {
  @Test(
    "uniform densities are one over the known volumes",
    arguments: [
      ("sphere(2)", -2.531024), ("torus(2)", -3.675754), ("torus(7)", -12.865139), ("so(3)", -4.368901),
      ("sphere(1)", -1.837877), ("stiefel(3,1)", -2.531024), ("grassmann(3,1)", -2.531024 + 0.693147),
      // Two-frames of space are its rotations.
      ("stiefel(3,2)", -4.368901), ("simplex(1)", -1.144730),
      ("scaled(2,sphere(2))", -2.531024 - 2 * 0.693147),
      ("product(sphere(2),torus(2))", -2.531024 - 3.675754), ("power(so(3),2)", -8.737802),
    ])
  func uniform(name: String, logDensity: Double) throws {
    let manifold = try manifold(named: name)
    var random = Random(key: 1)
    let x = Variable(manifold.samplePrior(5, &random))
    for found in manifold.priorLogDensity(x).tensor.elements {
      #expect(abs(Double(found) - logDensity) < 2e-6)
    }
  }

  /// For a density p of the samples and any other density q: E[q/p] = 1. Here q is a wrapped normal.
  @Test(
    "densities are those of the samples: the mean of another density over them is 1",
    arguments: [
      "euclidean(2)", "sphere(2)", "torus(2)", "so(3)", "se(3)", "hyperboloid(2)", "poincare(2)", "spd(2)",
      "grassmann(3,1)", "grassmann(4,2)", "stiefel(3,2)", "simplex(2)", "scaled(2,sphere(2))",
      "product(poincare(2),sphere(2))",
    ])
  func density(name: String) throws {
    let manifold = try manifold(named: name), count = ["se(3)", "spd(2)"].contains(name) ? 20_000 : 2000
    var random = Random(key: 2)
    let x = Variable(manifold.samplePrior(count, &random))
    let mean = typical(manifold, &random)
    let deviation: Float = name.contains("scaled") ? 0.8 : name.contains("simplex") ? 0.2 : 0.4
    let other = WrappedNormal(manifold, mean: mean, deviation: deviation)
    let ratios = (other.logDensity(x) - manifold.priorLogDensity(x)).tensor.elements.map { exp(Double($0)) }
    let average = ratios.reduce(0, +) / Double(count)
    let square = ratios.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(count)
    let error = (square / Double(count)).squareRoot()
    #expect(abs(average - 1) < 4 * error + 1e-3, "\(name): \(average) ± \(error)")
    #expect(error < 0.15, "\(name): \(average) ± \(error) says little")
  }

  /// The likeliest of a hundred samples, or the last of equal ones.
  private func typical(_ manifold: any Manifold, _ random: inout Random) -> [Float] {
    let points = manifold.samplePrior(100, &random)
    let densities = (manifold.priorLogDensity(Variable(points)) - manifold.logVolumeDensity(Variable(points)))
    let best = densities.tensor.elements.indices.max {
      densities.tensor.elements[$0] < densities.tensor.elements[$1]
    }!
    return points.rows(best..<best + 1).elements
  }

  @Test(
    "a wrapped normal has its deviation in Riemannian units",
    arguments: ["poincare(2)", "hyperboloid(2)", "sphere(3)", "spd(2)"])
  func deviation(name: String) throws {
    let manifold = try manifold(named: name), count = 2000
    var random = Random(key: 3)
    let mean = manifold.samplePrior(1, &random).elements
    let x = WrappedNormal(manifold, mean: mean, deviation: 0.3).sample(count, &random)
    let means = Tensor(mean, shape: [1, mean.count]).broadcast(to: x.shape)
    let square = manifold.distance(Variable(means), Variable(x)).map(.square).mean().tensor.item
    #expect(abs(square / Float(manifold.dimension) / 0.09 - 1) < 0.1)
  }

  @Test("samples of a prior depend on seed and stream alone, and are finite", arguments: manifoldTable)
  func seeded(laws: ManifoldCase) {
    var first = Random(key: 8), second = Random(key: 8)
    let a = laws.manifold.samplePrior(50, &first), b = laws.manifold.samplePrior(50, &second)
    #expect(a.elements == b.elements && a.isFinite && first == second)
    #expect(laws.manifold.samplePrior(50, &first).elements != a.elements)
    #expect(laws.manifold.priorLogDensity(Variable(a)).tensor.isFinite)
  }
}
