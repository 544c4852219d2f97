// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowTensor
import Testing

/// A function at a point, with random directions there: v and w of the arguments, u of the result.
struct LawCheck {
  let law: Law
  let extent: Int
  let arguments: [Variable]
  let u: Variable
  let v: [Variable]
  let w: [Variable]

  init(_ law: Law, extent: Int) {
    var random = Random(key: 7)
    self.law = law
    self.extent = extent
    let tensors = law.arguments(extent, &random)
    arguments = tensors.map { Variable($0) }
    // Bounded, so that the largest step of a difference is known.
    let direction = { (shape: Shape) in Variable(random.uniform(shape).affine(scale: 2, shift: -1)) }
    v = tensors.map { direction($0.shape) }
    w = tensors.map { direction($0.shape) }
    u = direction(law.function(arguments).shape)
  }

  private var f: ([Variable]) -> Variable { law.function }
  private func scalar(_ x: [Variable]) -> Variable { (f(x) * u).sum() }
  private func moved(_ step: Float, _ direction: [Variable?]) -> [Variable] {
    zip(arguments, direction).map { x, d in d.map { x + step * $0 } ?? x }
  }

  /// Every argument alone, and all together.
  private var selections: [[Bool]] {
    let indices = arguments.indices
    let alone = indices.map { index in indices.map { $0 == index } }
    return arguments.count > 1 ? alone + [indices.map { _ in true }] : alone
  }

  private func chosen(_ variables: [Variable], _ selection: [Bool]) -> [Variable?] {
    zip(variables, selection).map { $1 ? $0 : nil }
  }

  /// The gradient of `function` with respect to the selected arguments, zeros for the others.
  private func gradient(_ selection: [Bool], at x: [Variable], of function: ([Variable]) -> Variable)
    -> [Variable]
  {
    let active = x.indices.filter { selection[$0] }
    let found = FlowAutodiff.gradient(at: active.map { x[$0] }) { given in
      var all = x
      for (index, value) in zip(active, given) { all[index] = value }
      return function(all)
    }
    var gradients = x.map { Variable(.zeros($0.shape)) }
    for (index, value) in zip(active, found) { gradients[index] = value }
    return gradients
  }

  private func expect(
    _ found: Double, _ wanted: Double, _ tolerance: Double, scale: Double, _ what: String,
    _ location: SourceLocation
  ) {
    #expect(
      abs(found - wanted) <= tolerance * max(scale, 1e-2),
      "\(law.name) of \(extent), \(what): \(found), not \(wanted)", sourceLocation: location)
  }

  private func expect(
    _ found: Vector, _ wanted: Vector, _ tolerance: Double, scale: Double, _ what: String,
    _ location: SourceLocation
  ) {
    let distance = (found - wanted).norm, size = max(scale, found.norm, 1e-2)
    #expect(
      found.elements.count == wanted.elements.count && distance <= tolerance * size,
      "\(law.name) of \(extent), \(what): \(distance) apart at size \(size)", sourceLocation: location)
  }

  /// J·v is the difference along v, and ⟨u, J·v⟩ = ⟨Jᵀ·u, v⟩, for every selection of arguments.
  func firstOrder(_ location: SourceLocation = #_sourceLocation) {
    let value = Vector([f(arguments)]).norm
    for selection in selections {
      let v = chosen(v, selection), g = Vector(gradient(selection, at: arguments, of: scalar))
      let difference = Vector.derivative { [f(moved($0, v))] }
      let along = Vector(v.enumerated().map { $1 ?? Variable(.zeros(arguments[$0].shape)) })
      let sizes = g.norm * along.norm + Vector([u]).norm * difference.norm
      expect(
        g.dot(along), Vector([u]).dot(difference), Tolerance.difference, scale: sizes + value, "gradient",
        location)
      let (y, tangent) = jvp(at: arguments, along: v, of: f)
      #expect(tangent.shape == y.shape, "\(law.name) of \(extent)", sourceLocation: location)
      expect(Vector([tangent]), difference, Tolerance.difference, scale: value, "tangent", location)
      expect(
        g.dot(along), Vector([u]).dot(Vector([tangent])), Tolerance.exact, scale: sizes, "inner product",
        location)
    }
  }

  /// D²f[v, w] is the difference along w of J·v, and the same number in all four nestings and with v and w exchanged.
  func secondOrder(_ location: SourceLocation = #_sourceLocation) {
    let all = arguments.map { _ in true }
    let first = { (x: [Variable]) in jvp(at: x, along: v, of: f).tangent }
    let exact = jvp(at: arguments, along: w, of: first).tangent
    let difference = Vector.derivative { [first(moved($0, w))] }
    let size = Vector([first(arguments)]).norm + Vector([f(arguments)]).norm
    expect(Vector([exact]), difference, Tolerance.difference, scale: size, "second difference", location)
    for selection in selections { fourWays(selection, all, location) }
  }

  private func fourWays(_ left: [Bool], _ right: [Bool], _ location: SourceLocation) {
    let v = chosen(v, left), w = chosen(w, right)
    let along = { (g: [Variable], d: [Variable?]) in
      zip(g, d).reduce(Variable(0)) { sum, pair in pair.1.map { sum + (pair.0 * $0).sum() } ?? sum }
    }
    let wanted = jvp(at: arguments, along: w) { jvp(at: $0, along: v, of: scalar).tangent }.tangent
    let hessian = hessianVectorProduct(at: arguments, along: w, of: scalar).product
    let other = hessianVectorProduct(at: arguments, along: v, of: scalar).product
    let overForward = gradient(right, at: arguments) { jvp(at: $0, along: v, of: scalar).tangent }
    let overReverse = gradient(right, at: arguments) { along(gradient(left, at: $0, of: scalar), v) }
    let value = Double(wanted.tensor.item), size = Vector(hessian).norm + Vector(other).norm
    for (found, what) in [
      (along(hessian, v), "forward over reverse"), (along(other, w), "with v and w exchanged"),
      (along(overForward, w), "reverse over forward"), (along(overReverse, w), "reverse over reverse"),
    ] {
      expect(Double(found.tensor.item), value, Tolerance.exact, scale: size, what, location)
    }
  }

  /// Value, gradient, tangent and Hessian product at 0 are finite.
  func zero(_ location: SourceLocation = #_sourceLocation) {
    if !law.zero { return }
    let zeros = arguments.map { Variable(.zeros($0.shape)) }
    var found = gradient(arguments.map { _ in true }, at: zeros, of: scalar)
    found.append(jvp(at: zeros, along: v, of: f).tangent)
    found += hessianVectorProduct(at: zeros, along: v, of: scalar).product
    found += gradient(arguments.map { _ in true }, at: zeros) { jvp(at: $0, along: v, of: scalar).tangent }
    #expect(
      found.allSatisfy { $0.tensor.isFinite }, "\(law.name) of \(extent) at 0", sourceLocation: location)
  }
}
