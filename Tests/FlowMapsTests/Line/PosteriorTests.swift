// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowTensor
import Glibc
import Testing

/// Card 22: flows to posteriors.
@Suite("Posteriors on a line")
struct PosteriorTests {
  /// The exact denoiser of a law.
  private static func denoiser(_ law: MixtureOnALine) -> (Variable, Variable) -> Variable {
    { x, t in elementwise(x, t, t) { x, _, t in law.data(x, t) } }
  }

  @Test("of a normal law it is the flow of the normal posterior", arguments: [0.1, 0.4, 0.8, 1])
  func normal(t: Double) {
    let law = MixtureOnALine.normal, given = 0.9, c = law.deviation * law.deviation
    // Precisions add.
    let variance = 1 / (1 / c + pow((1 - t) / t, 2))
    let posterior = MixtureOnALine(
      means: [variance * (0.7 / c + (1 - t) / (t * t) * given)], deviation: variance.squareRoot())
    for s in [0.05, 0.3, 0.7, 1] {
      let z: [Float] = [-1.5, 0.2, 0.8, 2]
      let found = posteriorVelocity(
        Variable(Tensor(z, shape: [4, 1])), at: column(s, 4), given: column(given, 4), at: column(t, 4),
        denoiser: Self.denoiser(law))
      for (found, z) in zip(found.tensor.elements, z) {
        let wanted = posterior.velocity(Double(z), s)
        #expect(abs(Double(found) - wanted) < 1e-4 * max(1, abs(wanted)), "at \(s): \(found), not \(wanted)")
      }
    }
  }

  @Test(
    "of a mixture its ends have the weights of the posterior",
    arguments: [(0.5, 0.2), (0.7, -0.4), (0.9, 0.5)])
  func mixture(t: Double, given: Double) {
    let law = MixtureOnALine.two, count = 4000
    var random = Random(key: 41)
    let end = FlowSolver(.heun, steps: 60).solve(
      random.normal([count, 1]), from: 1, to: 0.002, on: Euclidean(dimension: 1)
    ) { z, s in
      (
        posteriorVelocity(
          z, at: column(Double(s), count), given: column(given, count), at: column(t, count),
          denoiser: Self.denoiser(law)), nil
      )
    }.state.elements
    let spread = pow((1 - t) * law.deviation, 2) + t * t
    let weights = law.means.map { exp(-pow(given - (1 - t) * $0, 2) / (2 * spread)) }
    let wanted = weights[1] / (weights[0] + weights[1])
    let found = Double(end.count { $0 > 0 }) / Double(count)
    #expect(abs(found - wanted) < 0.02, "\(found), not \(wanted)")
  }
}
