// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowTensor
import Testing

/// Pairs of points where formulas are known to fail: what is found there, and that all of it is finite.
private struct Edge {
  let check: ManifoldCheck
  var manifold: any Manifold { check.manifold }

  init(_ laws: ManifoldCase) { check = ManifoldCheck(laws) }

  /// Values of every map at x, y and u, and of their gradients and tangents, the second ones too.
  func expectFinite(_ x: Variable, _ y: Variable, _ u: Variable, _ what: String) {
    let manifold = manifold
    var random = Random(key: 9)
    let weight = Variable(random.normal(x.shape)), direction = Variable(random.normal(x.shape))
    let maps: [(String, ([Variable]) -> Variable)] = [
      ("exp", { manifold.exp($0[0], $0[2]) }), ("log", { manifold.log($0[0], $0[1]) }),
      ("distance", { manifold.distance($0[0], $0[1]) }),
      ("squared distance", { manifold.distance($0[0], $0[1]).map(.square) }),
      ("norm", { manifold.norm($0[2], at: $0[0]) }),
      ("transport", { manifold.transport(weight, from: $0[0], to: $0[1]) }),
      (
        "geodesic",
        {
          manifold.geodesic(
            from: $0[0], to: $0[1], at: Variable(Tensor(repeating: 0.5, shape: [x.shape[0], 1]))
          ).point
        }
      ),
      ("projection", { manifold.projected($0[0]) }),
    ]
    for (name, map) in maps {
      let value = { (a: [Variable]) in (map(a) * weight.slice(axis: 1, 0..<map(a).shape[1])).sum() }
      let tangents = [direction, direction, direction]
      let (found, tangent) = jvp(at: [x, y, u], along: tangents) { map($0) }
      let gradient = gradient(at: [x, y, u]) { value($0) }
      for (result, which) in [(found, "value"), (tangent, "tangent")] + gradient.map({ ($0, "gradient") }) {
        #expect(result.tensor.isFinite, "\(check.laws.name), \(what): the \(which) of \(name) is not finite")
      }
    }
  }
}

@Suite("Manifolds at their edges")
struct EdgeTests {
  @Test(
    "at 0 and near it everything is finite, and small steps are what they should be", arguments: manifoldTable
  )
  func zero(laws: ManifoldCase) {
    let edge = Edge(laws), manifold = edge.manifold, x = edge.check.x
    edge.expectFinite(x, x, Variable(.zeros(x.shape)), "x = y and u = 0")
    for length: Float in [1e-20, 1e-8, 1e-6, 1e-4] {
      let u = length * edge.check.v, y = manifold.exp(x, u)
      edge.expectFinite(x, y, u, "at \(length)")
      edge.check.expect(y, x + u, "a step of \(length) is a straight one")
      edge.check.expect(manifold.log(x, y), u, times: 3, "log of \(length)")
    }
  }

  @Test(
    "beyond a radius of injectivity lengths are still right, and all is finite at the cut locus",
    arguments: manifoldTable.filter { $0.manifold.injectivityRadius.isFinite && !$0.name.contains("simplex") }
  )
  func cutLocus(laws: ManifoldCase) {
    let edge = Edge(laws), manifold = edge.manifold, x = edge.check.x
    let radius = Float(manifold.injectivityRadius)
    // Shooting takes long there.
    let distances: [Float] = laws.name.contains("stiefel") ? [0.1, 0] : [0.1, 1e-2, 1e-3, 1e-5, 0]
    for short in distances {
      let u = (radius - short) * edge.check.v, y = manifold.exp(x, u)
      edge.expectFinite(x, y, u, "\(short) from the cut locus")
      if laws.name.contains("stiefel") || laws.name.contains("grassmann") && short < 1e-3 { continue }
      // The rounding of a projection, over the gap between the angles that it lies between.
      let slack = laws.name.contains("grassmann") ? Double(0.1 / short) : 3
      edge.check.expect(
        manifold.distance(x, y),
        Variable(Tensor(repeating: radius - short, shape: [ManifoldCheck.count, 1])),
        times: slack, "the distance \(short) from the cut locus")
    }
  }

  @Test("the sphere's antipodes have a direction by rule")
  func antipodes() throws {
    let sphere = try manifold(named: "sphere(2)")
    let x = Variable(Tensor([0, 0, 1, 0.6, 0, 0.8], shape: [2, 3])), u = sphere.log(x, -x)
    #expect(u.tensor.elements == [.pi, 0, 0, 0, .pi, 0])
    #expect(sphere.distance(x, -x).tensor.elements == [.pi, .pi])
    let moved = sphere.transport(u, from: x, to: -x)
    #expect(moved.tensor.elements == [-.pi, 0, 0, 0, -.pi, 0])
  }

  @Test("half turns have an axis by rule")
  func halfTurns() throws {
    let rotations = try manifold(named: "so(3)")
    let one = Variable(Tensor([1, 0, 0, 0, 1, 0, 0, 0, 1], shape: [1, 9]))
    let half = Variable(Tensor([-1, 0, 0, 0, -1, 0, 0, 0, 1], shape: [1, 9]))
    let u = rotations.log(one, half).tensor.elements
    for (found, wanted) in zip(u, [0, -1, 0, 1, 0, 0, 0, 0, 0] as [Float]) {
      #expect(abs(found - .pi * wanted) < 1e-6)
    }
  }

  @Test("half turns of the torus go backwards, and the distance is the geodesic one")
  func torus() throws {
    let torus = try manifold(named: "torus(2)")
    let x = Variable(Tensor([0, 0, 0.5, 6, 1, 1], shape: [3, 2]))
    let y = Variable(Tensor([.pi, 0, 6, 0.5, 100 * 2 * .pi + 1, 1], shape: [3, 2]))
    let log = torus.log(x, y).tensor.elements
    for (found, wanted) in zip(log, [-.pi, 0, 5.5 - 2 * .pi, 2 * .pi - 5.5, 0, 0] as [Float]) {
      #expect(abs(found - wanted) < 1e-4)
    }
    let diagonal = Float(2).squareRoot() * (2 * .pi - 5.5)
    #expect(abs(torus.distance(x, y).tensor.elements[1] - diagonal) < 1e-5)
  }

  @Test(
    "near the boundary everything is finite, and exp stays inside",
    arguments: [
      ("poincare(2)", [0.99999, 0, -0.99999, 0, 0, 0.99999, 0.9, 0.43] as [Float]),
      ("poincare(1)", [0.99999, -0.99999, 0.99, -0.3]),
      ("hyperboloid(1)", [1, 0, 1490.4788, 1490.4785, 1490.4788, -1490.4785, 3.7621956, 3.6268604]),
      ("simplex(2)", [1, 0, 0, 0, 1, 0, 1e-12, 0.5, 0.5, 0, 0.3, 0.7]),
      ("spd(2)", [1, 0, 0, 1e-6, 1e6, 0, 0, 1, 1e-6, 0, 0, 1e-6, 1, 0.999, 0.999, 1]),
    ])
  func boundary(name: String, rows: [Float]) throws {
    let manifold = try manifold(named: name)
    let x = Variable(Tensor(rows, shape: [rows.count / manifold.ambient, manifold.ambient]))
    let edge = Edge(ManifoldCase(name))
    var random = Random(key: 4)
    for length: Float in [0, 1e-6, 1, 10, 30] {
      let u = length * manifold.tangentNormal(at: x, &random)
      let y = manifold.exp(x, u)
      // Beyond that a matrix's exponential and its gradient are more than float32 has.
      if name == "spd(2)" && length > 1 { continue }
      edge.expectFinite(x, manifold.projected(x.flipped(axis: 0)), u, "a length of \(length)")
      let sizes = y.map(.square).sum(axis: 1).tensor.elements.map { max(1, $0.squareRoot()) }
      for (violation, size) in zip(manifold.violation(y.tensor), sizes) {
        #expect(violation <= 1e-5 * size, "\(name): exp of \(length) is \(violation) off")
      }
    }
  }

  @Test("exp on the ball does not reach norm 1")
  func saturation() throws {
    let ball = try manifold(named: "poincare(2)")
    let u = Variable(Tensor([1e6, 0, 3, 4, 0, 20], shape: [3, 2]))
    let y = ball.exp(Variable(.zeros([3, 2])), u)
    for norm in y.map(.square).sum(axis: 1).map(.sqrt).tensor.elements { #expect(norm < 1 - 0.9e-5) }
    #expect(abs(ball.distance(Variable(.zeros([3, 2])), y).tensor.elements[1] - 10) < 0.1)
  }

  @Test("what is not finite or not on the manifold is seen", arguments: manifoldTable)
  func violations(laws: ManifoldCase) {
    let check = ManifoldCheck(laws), width = check.manifold.ambient
    var row = check.x.tensor.rows(0..<1).elements
    row[width - 1] = .nan
    #expect(check.manifold.violation(Tensor(row, shape: [1, width])) == [.infinity])
    row[width - 1] = .infinity
    #expect(check.manifold.violation(Tensor(row, shape: [1, width])) == [.infinity])
    if laws.name.hasPrefix("euclidean") || laws.name.hasPrefix("torus") { return }
    let outside = check.x.tensor.affine(scale: -3, shift: laws.name.contains("poincare") ? 4 : 0.4)
    #expect(check.manifold.violation(outside).allSatisfy { $0 > 0.05 })
  }

  @Test("a frame's logarithm depends on the rows beside it by no more than rounding")
  func rowsApart() throws {
    let frames = try manifold(named: "stiefel(4,2)")
    var random = Random(key: 31)
    let x = Variable(frames.samplePrior(4, &random))
    let u = Variable(Tensor([0.05, 0.5, 1.5, 0.9], shape: [4, 1])) * frames.tangentNormal(at: x, &random)
    let y = frames.exp(x, u), together = frames.log(x, y).tensor
    for row in 0..<4 {
      let alone = frames.log(Variable(x.tensor.rows(row..<row + 1)), Variable(y.tensor.rows(row..<row + 1)))
        .tensor
      let beside = together.rows(row..<row + 1).elements
      #expect(zip(alone.elements, beside).allSatisfy { abs($0 - $1) < 2e-6 })
    }
  }

  @Test(
    "a singular matrix is no rotation and no frame",
    arguments: [
      ("so(3)", [0, 0, 0, 0, 0, 0, 0, 0, 0] as [Float]), ("so(3)", [1, 0, 0, 0, 1, 0, 0, 0, 0]),
      ("so(3)", [1, 0, 0, 0, 0, 0, 0, 0, 0]), ("so(3)", [1, 0, 0, 0, 1, 0, 0, 0, -1]),
      ("so(3)", [Float](repeating: 1e30, count: 9)), ("stiefel(2,1)", [0, 0]),
      ("stiefel(3,2)", [1, 1, 0, 0, 0, 0]),
    ])
  func singular(name: String, row: [Float]) throws {
    #expect(try manifold(named: name).violation(Tensor(row, shape: [1, row.count]))[0] > 0.5)
  }

  @Test(
    "a task that multiplies in bfloat16 has its points in float32",
    arguments: ["so(3)", "spd(2)", "stiefel(4,2)"])
  func precision(name: String) {
    let check = ManifoldCheck(ManifoldCase(name)), manifold = check.manifold
    let gradients = {
      gradient(at: [check.x, check.u]) { manifold.distance($0[0], manifold.exp($0[0], $0[1])).sum() }
        + [manifold.log(check.x, check.y)]
    }
    let single = gradients(), half = MatmulPrecision.$current.withValue(.bfloat16) { gradients() }
    for (a, b) in zip(single, half) { #expect(a.tensor.elements == b.tensor.elements) }
  }
}
