// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowTensor
import Testing

@Suite("Samplers on manifolds")
struct ManifoldSamplerTests {
  private func prior(_ manifold: any Manifold, _ count: Int = 64) -> Tensor {
    var random = Random(key: 11)
    return manifold.samplePrior(count, &random)
  }

  @Test(
    "a jump from a time to itself changes no bit of a state, whatever the network", arguments: ExactFlow.all)
  func identity(flow: ExactFlow) {
    let z = Variable(prior(flow.manifold))
    let map = ManifoldMap(flow.manifold) { z, _, _ in 3 * z.flipped(axis: 1) + 1 }
    let t = Variable(Tensor(repeating: 0.3, shape: [64, 1]))
    let same = map.jump(z, from: t, to: t).tensor
    // The ball's addition of nothing rounds.
    let allowed: Float = flow.manifold.name == "poincare(2)" ? 1e-7 : 0
    #expect(largest(Tensor.combine(.subtract, same, z.tensor)) <= allowed)
  }

  @Test("an exact map leads to the same points by any number of steps", arguments: ExactFlow.all)
  func steps(flow: ExactFlow) {
    // A contraction's jumps to 0 all end in p; 0.1 tells paths apart.
    let schedule = { (steps: Int) in uniformSchedule(steps: steps).map { 0.1 + 0.9 * $0 } }
    let one = flow.map.sample(prior(flow.manifold), schedule: schedule(1))
    for steps in [2, 5, 16] {
      let many = flow.map.sample(prior(flow.manifold), schedule: schedule(steps))
      let apart = flow.manifold.distance(Variable(one), Variable(many))
      let isCompact = ExactFlow.compact.contains { $0.manifold.name == flow.manifold.name }
      #expect(largest(apart.tensor) < (isCompact ? 3e-5 : 1e-3), "\(steps) steps: \(largest(apart.tensor))")
    }
  }

  @Test("Euler's step takes the velocity at its start; the published baseline's, at its end")
  func start() {
    let sphere = Sphere(dimension: 2), z = prior(sphere)
    let map = ManifoldMap(sphere) { z, _, t in t * z.flipped(axis: 1) }
    let at = { (time: Float) in
      sphere.exp(
        Variable(z), -(map.velocity(Variable(z), at: Variable(Tensor(repeating: time, shape: [64, 1]))))
      ).tensor
    }
    #expect(map.sample(z, schedule: [1, 0], by: .euler).elements == at(1).elements)
    #expect(map.sample(z, schedule: [1, 0], by: .eulerAtEnd).elements == at(0).elements)
    #expect(map.sample(z, schedule: [1, 0], by: .eulerAtEnd).elements == z.elements)
  }

  /// A field with no symmetry, periodic in each coordinate, faster and slower in time.
  private static func field(_ manifold: any Manifold) -> ManifoldMap {
    ManifoldMap(manifold) { z, _, t in
      let turned = z.flipped(axis: 1) * Variable(Tensor([1, -1, 2], shape: [1, 3]))
      return turned.map(.sine) + (2 * t).map(.cosine) * (z.map(.cosine) + 0.3)
    }
  }

  @Test(
    "a solver's error falls with its order",
    arguments: [(ButcherTableau.euler, 8), (.heun, 8), (.rk4, 3)], [0, 1])
  func order(method: (tableau: ButcherTableau, steps: Int), index: Int) {
    let manifold: any Manifold = [Sphere(dimension: 2), FlatTorus(dimension: 3)][index]
    let map = Self.field(manifold)
    let solve = { (tableau: ButcherTableau, steps: Int) in
      FlowSolver(tableau, steps: steps).solve(self.prior(manifold), from: 1, to: 0, on: manifold) { z, time in
        (map.velocity(z, at: Variable(Tensor(repeating: time, shape: [64, 1]))), nil)
      }.state
    }
    let true64 = solve(.dormandPrince, 40)
    let error = { (steps: Int) in
      let apart = manifold.distance(Variable(solve(method.tableau, steps)), Variable(true64))
      return apart.map(.square).mean().tensor.item.squareRoot()
    }
    let ratio = error(method.steps) / error(2 * method.steps)
    let wanted = Float(1 << method.tableau.order)
    #expect(ratio > 0.75 * wanted && ratio < 1.6 * wanted, "\(ratio) for order \(method.tableau.order)")
  }

  @Test("Heun's method along geodesics is of order 2 and agrees with the others", arguments: [0, 1])
  func geodesicHeun(index: Int) {
    let manifold: any Manifold = [Sphere(dimension: 2), FlatTorus(dimension: 3)][index]
    let map = Self.field(manifold), z = prior(manifold)
    let exact = FlowSolver(.rk4, steps: 40).solve(z, from: 1, to: 0, on: manifold) { z, time in
      (map.velocity(z, at: Variable(Tensor(repeating: time, shape: [64, 1]))), nil)
    }.state
    let error = { (steps: Int) in
      let apart = manifold.distance(
        Variable(map.heun(z, schedule: uniformSchedule(steps: steps))), Variable(exact))
      return apart.map(.square).mean().tensor.item.squareRoot()
    }
    let ratio = error(8) / error(16)
    #expect(error(16) < 0.01 && ratio > 3 && ratio < 6, "\(error(8)), \(error(16))")
  }

  @Test("an adaptive solver keeps its bound with fewer evaluations the looser it is")
  func adaptive() {
    let manifold = Sphere(dimension: 2), map = Self.field(manifold), z = prior(manifold)
    let field: AugmentedField = { z, time in
      (map.velocity(z, at: Variable(Tensor(repeating: time, shape: [64, 1]))), nil)
    }
    let exact = FlowSolver(.rk4, steps: 60).solve(z, from: 1, to: 0, on: manifold, field: field).state
    let runs = [1e-3, 1e-5].map { bound in
      FlowSolver(absolute: bound, relative: bound).solve(z, from: 1, to: 0, on: manifold, field: field)
    }
    for (run, most) in zip(runs, [Float(1e-2), 5e-4]) {
      #expect(largest(manifold.distance(Variable(run.state), Variable(exact)).tensor) < most)
    }
    #expect(runs[0].evaluations < runs[1].evaluations)
  }
}
