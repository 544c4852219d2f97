// SPDX-License-Identifier: Apache-2.0

import FlowManifolds
import FlowTensor
import Foundation
import Testing

@testable import FlowTraining

@Suite("Maximum mean discrepancy")
struct DiscrepancyTests {
  private static let sphere = Sphere(dimension: 2)

  private func uniform(_ count: Int, key: UInt64) -> Tensor {
    var random = Random(key: key)
    return Self.sphere.samplePrior(count, &random)
  }

  @Test("a set is at no distance from itself, in any order")
  func same() {
    let x = uniform(300, key: 1), measure = Discrepancy(on: Self.sphere)
    let turned = x.gather((0..<300).reversed().map(Int32.init))
    #expect(measure.estimate(turned, against: measure.reference(x)).biased < 1e-3)
  }

  @Test("the estimates are the sums of their formulas")
  func formula() {
    let x = uniform(7, key: 1), y = uniform(5, key: 2)
    let k = { (a: Tensor, i: Int, b: Tensor, j: Int) -> Double in
      let dot = (0..<3).reduce(0.0) { $0 + Double(a.elements[3 * i + $1] * b.elements[3 * j + $1]) }
      return exp(-pow(acos(min(1, max(-1, dot))), 2))
    }
    let sum = { (a: Tensor, b: Tensor) in
      (0..<a.shape[0]).reduce(0.0) { s, i in (0..<b.shape[0]).reduce(s) { $0 + k(a, i, b, $1) } }
    }
    let (xx, yy, xy) = (sum(x, x), sum(y, y), sum(x, y))
    let measure = Discrepancy(on: Self.sphere), found = measure.estimate(x, against: measure.reference(y))
    #expect(abs(found.biased - (xx / 49 + yy / 25 - 2 * xy / 35).squareRoot()) < 1e-5)
    #expect(abs(found.unbiasedSquare - ((xx - 7) / 42 + (yy - 5) / 20 - 2 * xy / 35)) < 1e-5)
  }

  @Test("of two samples of one law, the biased one is about √(2(1 − E k)/n) and the unbiased one about 0")
  func floor() {
    let measure = Discrepancy(on: Self.sphere)
    let found = (0..<8).map { key in
      measure.estimate(uniform(400, key: key), against: measure.reference(uniform(400, key: 100 + key)))
    }
    let biased = found.reduce(0) { $0 + $1.biased } / 8,
      unbiased = found.reduce(0) { $0 + $1.unbiasedSquare } / 8
    #expect(biased > 0.03 && biased < 0.08, "\(biased)")
    #expect(abs(unbiased) < 1.5e-3, "\(unbiased)")
  }

  @Test("on a sphere of many dimensions inner products give the same sums")
  func products() {
    let wide = Sphere(dimension: 20), narrow = Sphere(dimension: 2)
    let lay = { (x: Tensor) in x.padded(axis: 1, before: 4, after: 14) }
    let x = uniform(60, key: 1), y = uniform(50, key: 2)
    let found = [
      Discrepancy(on: narrow).estimate(x, against: Discrepancy(on: narrow).reference(y)),
      Discrepancy(on: wide).estimate(lay(x), against: Discrepancy(on: wide).reference(lay(y))),
    ]
    #expect(abs(found[0].biased - found[1].biased) < 1e-5)
  }

  @Test("on a torus the true distance joins coordinates, the published kernel takes their mean")
  func coordinates() throws {
    let torus = FlatTorus(dimension: 2)
    let x = Tensor([0, 0], shape: [1, 2]), y = Tensor([0.5, 1], shape: [1, 2])
    let found = [Discrepancy.Distance.geodesic, .perCoordinate].map { distance in
      let measure = Discrepancy(on: torus, distance: distance)
      return pow(measure.estimate(x, against: measure.reference(y)).biased, 2)
    }
    #expect(abs(found[0] - (2 - 2 * exp(-1.25))) < 1e-5)
    #expect(abs(found[1] - (2 - exp(-0.25) - exp(-1))) < 1e-5)
  }

  @Test("samples that are no numbers have no discrepancy, and not none")
  func notFinite() {
    let measure = Discrepancy(on: Self.sphere), points = uniform(10, key: 1)
    let spoilt = Tensor(points.elements.enumerated().map { $0 == 4 ? .nan : $1 }, shape: points.shape)
    let estimate = measure.estimate(spoilt, against: measure.reference(points))
    #expect(estimate.biased.isNaN && estimate.unbiasedSquare.isNaN)
    #expect(measure.estimate(points, against: measure.reference(points)).biased < 1e-3)
  }

  /// Where data are, if they are here: `tools/get-data manifolds`.
  static let data = ProcessInfo.processInfo.environment["FLOW_DATA"] ?? "data"
  static let hasData = FileManager.default.fileExists(atPath: data + "/manifolds/earth/quakes_all.csv")

  /// Measured in double precision by another program: points of training against test points, the prior, and one step
  /// of the exact one-step flow matching, x = exp_e(mean log_e(x₁)).
  static let published: [(source: PointSource, floor: ClosedRange<Double>, prior: ClosedRange<Double>)] = [
    (.volcano, 0.040...0.156, 0.25...0.37), (.earthquake, 0.016...0.052, 0.315...0.375),
    (.flood, 0.038...0.098, 0.32...0.38), (.fire, 0.017...0.041, 0.36...0.40),
  ]

  @Test(
    "floors and priors of the Earth sets are those measured before", .enabled(if: hasData),
    arguments: published)
  func earth(example: (source: PointSource, floor: ClosedRange<Double>, prior: ClosedRange<Double>)) throws {
    let set = try example.source.load(on: Self.sphere, data: Self.data)
    let measure = Discrepancy(on: Self.sphere), test = measure.reference(set.test), count = set.test.shape[0]
    let floors = (0..<4).map { key in
      var random = Random(key: UInt64(key))
      let chosen = random.choice(of: count, below: set.training.shape[0])
      return measure.estimate(set.training.gather(chosen), against: test).biased
    }
    #expect(example.floor.contains(floors.reduce(0, +) / 4), "\(floors)")
    #expect(example.prior.contains(measure.estimate(uniform(count, key: 3), against: test).biased))
  }
}
