// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowTensor
import Testing

@testable import FlowTraining

@Suite("The exact flow of finitely many points", .enabled(if: DiscrepancyTests.hasData))
struct ExactFieldTests {
  /// Set, steps of Euler's method, and the MMD against test points that another program measured in double precision.
  static let measured: [(source: PointSource, steps: Int, wanted: Double, allowed: Double)] = [
    (.volcano, 1, 0.301, 0.06), (.earthquake, 1, 0.282, 0.02), (.flood, 1, 0.268, 0.03),
    (.fire, 1, 0.363, 0.02),
    (.earthquake, 2, 0.129, 0.025),
  ]

  /// dz/dt of the mixture of all geodesics from the points to uniform noise: −Σ w·log_z(xᵢ)/t with
  /// w ∝ sin(r/t)/(t·sin r) where r = d(z, xᵢ) < πt; at t = 1 all weights are 1.
  private static func velocity(_ points: Tensor, _ z: Variable, _ t: Float) -> Variable {
    let sphere = Sphere(dimension: 2), count = points.shape[0]
    return concatenate(
      stride(from: 0, to: z.shape[0], by: 32).map { first in
        let some = z.slice(axis: 0, first..<min(first + 32, z.shape[0])), rows = some.shape[0]
        let pairs = { (x: Variable, shape: Shape) in
          x.reshaped(shape).broadcast(to: [rows, count, 3]).reshaped([rows * count, 3])
        }
        let u = sphere.log(pairs(some, [rows, 1, 3]), pairs(Variable(points), [1, count, 3]))
        let r = u.map(.square).sum(axes: [1], keepingAxes: true).map(.sqrt)
        let inside = Variable.greater(Variable(.pi * t), r) * Variable.greater(r, Variable(1e-6))
        let weight = inside * (r / t).map(.sine) / (r.map(.sine) + (1 - inside))
        let w = (t == 1 ? 0 * r + 1 : weight).reshaped([rows, count, 1])
        let sum = (w * u.reshaped([rows, count, 3])).sum(axis: 1)
        return -(sum / (t * w.sum(axis: 1)))
      }, axis: 0)
  }

  @Test("its samples are as far from test points as measured before", arguments: measured)
  func samples(example: (source: PointSource, steps: Int, wanted: Double, allowed: Double)) throws {
    let sphere = Sphere(dimension: 2)
    let set = try example.source.load(on: sphere, data: DiscrepancyTests.data)
    let training = set.training, measure = Discrepancy(on: sphere)
    let map = ManifoldMap(sphere) { z, _, t in Self.velocity(training, z, t.tensor.elements[0]) }
    var random = Random(key: 12)
    let noise = sphere.samplePrior(set.test.shape[0], &random)
    let samples = map.sample(noise, schedule: uniformSchedule(steps: example.steps), by: .euler)
    let found = measure.estimate(samples, against: measure.reference(set.test)).biased
    #expect(abs(found - example.wanted) < example.allowed, "\(found)")
  }
}
