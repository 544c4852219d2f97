// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowTensor
import Glibc
import Testing

/// Cards 1 to 3 on laws whose flow is known: what losses bottom out at, and what samplers make.
@Suite("Flows on a line")
struct FlowOnALineTests {
  @Test("the exact map has the values that are known")
  func values() {
    let law = MixtureOnALine.two
    for (z, wanted) in [(0.1, 0.7185217127), (0.5, 0.9404384358), (1, 1.0950465698), (2, 1.3380286756)] {
      #expect(abs(law.flow(z, from: 1, to: 0) - wanted) < 1e-8)
    }
    for (z, t, r, x, v) in [
      (0.3, 0.8, 0.2, 0.6533256194, 0.2540591631), (-0.6, 0.5, 0.1, -0.9322607492, 0.4673542770),
      (1.2, 0.9, 0.4, 0.9741528106, 1.1634970727),
    ] {
      #expect(abs(law.flow(z, from: t, to: r) - x) < 1e-9 && abs(law.velocity(z, t) - v) < 1e-9)
    }
  }

  @Test(
    "flow matching bottoms out at E Var(e − x given z)",
    arguments: [(MixtureOnALine.normal, 0.7854), (MixtureOnALine.two, 1.3160)])
  func floor(law: MixtureOnALine, wanted: Double) {
    let map = law.map
    let objective = Objective(path: GeodesicPath(map.manifold), pairs: .diagonal(), target: nil)
    var random = Random(key: 8)
    let count = 100_000
    let loss = objective.loss(
      data: Variable(law.samples(count, &random)), noise: Variable(random.normal([count, 1])), online: map,
      teacher: map, &random)
    let found = Double(loss.diagonal.tensor.item)
    #expect(abs(found - wanted) < 0.015 * wanted, "\(found), not \(wanted)")
  }

  @Test("integrating the velocity walks the map")
  func ordinary() {
    let law = MixtureOnALine.normal, z: [Float] = [-2, -0.5, 0, 1, 3]
    let end = FlowSolver(.rk4, steps: 100).solve(
      Tensor(z, shape: [5, 1]), from: 1, to: 0, on: Euclidean(dimension: 1)
    ) { (law.map.velocity($0, at: column(Double($1), 5)), nil) }
    for (found, z) in zip(end.state.elements, z) {
      #expect(abs(Double(found) - law.flow(Double(z), from: 1, to: 0)) < 1e-5)
    }
  }

  @Test("the flow of another path is the same map, once its clock and scale are undone")
  func otherPath() {
    let law = MixtureOnALine.normal, path = VariancePreservingPath()
    let begin = path.time(ofLinear: 0.95), end = path.time(ofLinear: 0.05), z: [Float] = [-1, 0.2, 2]
    let scale = { (t: Double) in path.place(at: t).linearScale }
    let start = Tensor(z.map { $0 / Float(scale(begin)) }, shape: [3, 1])
    let solved = FlowSolver(.rk4, steps: 400).solve(
      start, from: Float(begin), to: Float(end), on: Euclidean(dimension: 1)
    ) { state, t in
      let p = path.place(at: Double(t))
      let data = Variable(
        Tensor(
          state.tensor.elements.map { Float(law.data(p.linearScale * Double($0), p.linearTime)) },
          shape: [3, 1]))
      let noise = (state - Float(p.data) * data) / Float(p.noise)
      return (Prediction.velocity.value(data: data, noise: noise, at: p), nil)
    }
    for (found, z) in zip(solved.state.elements, z) {
      let wanted = law.flow(Double(z), from: 0.95, to: 0.05)
      #expect(abs(Double(found) * scale(end) - wanted) < 2e-4, "\(Double(found) * scale(end)), not \(wanted)")
    }
  }

  @Test(
    "Euler's method makes the spread that is known, and the right mean",
    arguments: [
      (1, 0), (2, 0.2), (4, 0.34054), (8, 0.41478), (16, 0.45568), (32, 0.47736), (64, 0.48856),
      (128, 0.49425),
    ])
  func euler(steps: Int, wanted: Double) {
    // The flow of a normal law is affine: 0 is taken to the mean, and 1 a deviation further.
    let ends = MixtureOnALine.normal.map.sample(
      Tensor([0, 1], shape: [2, 1]), schedule: uniformSchedule(steps: steps), by: .euler
    ).elements
    #expect(abs(ends[0] - 0.7) < 1e-5 && abs(Double(ends[1] - ends[0]) - wanted) < 1e-5)
  }

  @Test(
    "Euler's distance from the law falls as the steps grow",
    arguments: zip([1, 2, 4, 8, 16, 32], [1.0199, 0.4603, 0.1496, 0.0695, 0.0358, 0.0184]))
  func eulerDistance(steps: Int, wanted: Double) {
    let law = MixtureOnALine.two, count = 1000
    let places = (0..<count).map { (Double($0) + 0.5) / Double(count) }
    let noise = Tensor(places.map { Float(law.quantile($0, 1)) }, shape: [count, 1])
    let found = law.map.sample(noise, schedule: uniformSchedule(steps: steps), by: .euler).elements.sorted()
    // Optimal transport on a line pairs what is sorted.
    let distance =
      (zip(found, places).reduce(0) { $0 + pow(Double($1.0) - law.quantile($1.1, 0), 2) }
      / Double(count)).squareRoot()
    #expect(abs(distance - wanted) < 0.025 * wanted, "\(distance), not \(wanted)")
  }

  @Test("the exact map makes the law in any number of jumps", arguments: [1, 2, 5])
  func jumps(steps: Int) {
    let law = MixtureOnALine.two, z: [Float] = [-1.7, -0.4, 0.1, 0.9]
    let ends = law.map.sample(Tensor(z, shape: [4, 1]), schedule: uniformSchedule(steps: steps)).elements
    for (end, z) in zip(ends, z) {
      #expect(abs(Double(end) - law.flow(Double(z), from: 1, to: 0)) < 1e-4)
    }
  }

  /// Card 3. S = E ∫ (x − e direction less the velocity)² along the flow's own curves.
  @Test("curves of the first round bend by what is known; those of the second are straight")
  func straightness() {
    let law = MixtureOnALine.normal, map = law.map, steps = 200
    var bend = 0.0
    let places = (0..<400).map { law.quantile((Double($0) + 0.5) / 400, 1) }
    let ends = places.map { law.flow($0, from: 1, to: 0) }
    for step in 0..<steps {
      let t = (Double(step) + 0.5) / Double(steps)
      for (e, x) in zip(places, ends) {
        bend += pow((e - x) - law.velocity(law.flow(e, from: 1, to: t), t), 2)
      }
    }
    #expect(abs(bend / Double(steps * places.count) - 0.2153) < 2e-3, "\(bend / Double(steps * 400))")
    // The pairs (e, X(e)) of round two lie on lines that do not cross: e is a function of where a line is at t.
    let second = ManifoldMap(map.manifold) { z, _, t in
      let e = (z - 0.7 * (1 - t)) / (0.5 * (1 - t) + t)
      return e - 0.7 - 0.5 * e
    }
    let found = second.sample(
      Tensor(places.map { Float($0) }, shape: [400, 1]), schedule: uniformSchedule(steps: 1), by: .euler)
    #expect(zip(found.elements, ends).allSatisfy { abs(Double($0) - $1) < 1e-5 })
  }
}
