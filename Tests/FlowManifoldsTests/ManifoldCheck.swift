// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowTensor
import Testing

/// A manifold with random points and tangents: u, v, w at x, and y = exp_x(u).
struct ManifoldCheck {
  static let count = 6

  let laws: ManifoldCase
  let manifold: any Manifold
  let x: Variable
  let y: Variable
  let u: Variable
  let v: Variable
  let w: Variable

  init(_ laws: ManifoldCase, seed: UInt64 = 11) {
    self.laws = laws
    let manifold = laws.manifold
    self.manifold = manifold
    var random = Random(key: seed)
    x = ManifoldCheck.interior(manifold, &random)
    // Lengths from a tenth of the reach to all of it.
    let lengths = (0..<Self.count).map { laws.reach * (0.1 + 0.9 * Float($0) / Float(Self.count - 1)) }
    u = ManifoldCheck.tangent(
      manifold, x, length: Variable(Tensor(lengths, shape: [Self.count, 1])), &random)
    v = ManifoldCheck.tangent(manifold, x, length: Variable(1), &random)
    w = ManifoldCheck.tangent(manifold, x, length: Variable(1), &random)
    y = manifold.exp(x, u)
  }

  /// Points of the prior; where there is a boundary, away from it.
  private static func interior(_ manifold: any Manifold, _ random: inout Random) -> Variable {
    let x = Variable(manifold.samplePrior(count, &random))
    guard manifold.injectivityRadius == 0 else { return x }
    return 0.5 * x + Variable(Tensor(repeating: 0.5 / Float(manifold.ambient), shape: x.shape))
  }

  static func tangent(
    _ manifold: any Manifold, _ x: Variable, length: Variable, _ random: inout Random
  ) -> Variable {
    let u = manifold.tangentNormal(at: x, &random)
    return (length / manifold.norm(u, at: x)) * u
  }

  /// Whether two variables are equal to within the case's tolerance, row by row, relative to the larger of 1 and the
  /// row's size.
  func expect(
    _ found: Variable, _ wanted: Variable, times factor: Double = 1, _ what: Comment,
    _ location: SourceLocation = #_sourceLocation
  ) {
    let rows = found.shape[0]
    #expect(found.shape == wanted.shape, what, sourceLocation: location)
    let a = found.tensor.elements.map(Double.init), b = wanted.tensor.elements.map(Double.init)
    let width = a.count / max(rows, 1)
    var worst = 0.0
    for row in 0..<rows {
      let range = row * width..<(row + 1) * width
      let distance = range.reduce(0) { $0 + (a[$1] - b[$1]) * (a[$1] - b[$1]) }.squareRoot()
      let size = range.reduce(0) { $0 + b[$1] * b[$1] }.squareRoot()
      let error = distance / max(1, size)
      worst = error > worst || error.isNaN ? error : worst
    }
    #expect(
      worst <= laws.tolerance * factor, "\(laws.name): \(what), off by \(worst)", sourceLocation: location)
  }

  func expectZero(
    _ found: Variable, times factor: Double = 1, _ what: Comment,
    _ location: SourceLocation = #_sourceLocation
  ) {
    expect(found, Variable(.zeros(found.shape)), times: factor, what, location)
  }

  /// Whether rows are on the manifold, relative to the size of the row.
  func expectPoints(_ x: Variable, _ what: Comment, _ location: SourceLocation = #_sourceLocation) {
    let sizes = x.map(.square).sum(axis: 1).tensor.elements.map { max(1, $0.squareRoot()) }
    let worst = zip(manifold.violation(x.tensor), sizes).map { $0 / $1 }.max() ?? 0
    #expect(
      Double(worst) <= laws.tolerance, "\(laws.name): \(what), \(worst) off the manifold",
      sourceLocation: location)
  }

  func expectTangents(_ u: Variable, at x: Variable, _ what: Comment) {
    let difference = u - manifold.tangent(u, at: x)
    expectZero(
      difference / Variable.maximum(u.map(.square).sum(axes: [1], keepingAxes: true), Variable(1)), what)
  }
}
