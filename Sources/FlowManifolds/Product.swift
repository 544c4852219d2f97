// SPDX-License-Identifier: Apache-2.0

package import FlowAutodiff
package import FlowTensor

/// M₁ × … × M_k: rows side by side, ⟨u, v⟩ = Σ ⟨uᵢ, vᵢ⟩.
///
/// exp, log, transport and geodesics are those of the parts; distance = √Σ dᵢ²; injectivity radius: the least of theirs;
/// at the cut locus of a part, what that part answers. Prior: the parts' own, independent.
package struct Product: Manifold {
  package let parts: [any Manifold]
  package let name: String

  /// The product of `parts`, at least one; `name` where the product has one of its own.
  package init(_ parts: [any Manifold], name: String? = nil) {
    precondition(!parts.isEmpty, "Product: no parts")
    self.parts = parts
    self.name = name ?? "product(\(parts.map(\.name).joined(separator: ",")))"
  }

  package var ambient: Int { parts.reduce(0) { $0 + $1.ambient } }
  package var dimension: Int { parts.reduce(0) { $0 + $1.dimension } }
  package var injectivityRadius: Double { parts.map(\.injectivityRadius).min()! }

  /// The columns of each part.
  private func cut(_ x: Variable) -> [Variable] {
    var start = 0
    return parts.map { part in
      defer { start += part.ambient }
      return x.slice(axis: 1, start..<start + part.ambient)
    }
  }

  private func joined(_ rows: [Variable], _ map: (any Manifold, [Variable]) -> Variable) -> Variable {
    concatenate(each(rows, map), axis: 1)
  }

  private func total(_ rows: [Variable], _ map: (any Manifold, [Variable]) -> Variable) -> Variable {
    let terms = each(rows, map)
    return terms.dropFirst().reduce(terms[0], +)
  }

  private func each(_ rows: [Variable], _ map: (any Manifold, [Variable]) -> Variable) -> [Variable] {
    let columns = rows.map(cut)
    return parts.indices.map { part in map(parts[part], columns.map { $0[part] }) }
  }

  package func projected(_ x: Variable) -> Variable { joined([x]) { $0.projected($1[0]) } }
  package func tangent(_ u: Variable, at x: Variable) -> Variable {
    joined([u, x]) { $0.tangent($1[0], at: $1[1]) }
  }
  package func inner(_ u: Variable, _ v: Variable, at x: Variable) -> Variable {
    total([u, v, x]) { $0.inner($1[0], $1[1], at: $1[2]) }
  }
  package func exp(_ x: Variable, _ u: Variable) -> Variable { joined([x, u]) { $0.exp($1[0], $1[1]) } }
  package func log(_ x: Variable, _ y: Variable) -> Variable { joined([x, y]) { $0.log($1[0], $1[1]) } }
  package func distance(_ x: Variable, _ y: Variable) -> Variable {
    total([x, y]) { $0.distance($1[0], $1[1]).map(.square) }.map(.sqrt)
  }
  package func transport(_ u: Variable, from x: Variable, to y: Variable) -> Variable {
    joined([u, x, y]) { $0.transport($1[0], from: $1[1], to: $1[2]) }
  }

  package func geodesic(from x: Variable, to y: Variable, at t: Variable)
    -> (point: Variable, velocity: Variable)
  {
    let ends = zip(parts, zip(cut(x), cut(y)))
    let moved = ends.map { part, ends in part.geodesic(from: ends.0, to: ends.1, at: t) }
    return (concatenate(moved.map(\.point), axis: 1), concatenate(moved.map(\.velocity), axis: 1))
  }

  package func samplePrior(_ count: Int, _ random: inout Random) -> Tensor {
    var samples: [Tensor] = []
    for part in parts { samples.append(part.samplePrior(count, &random)) }
    return Tensor.concatenate(samples, axis: 1)
  }

  package func priorLogDensity(_ x: Variable) -> Variable { total([x]) { $0.priorLogDensity($1[0]) } }
  package func frame(_ z: Variable, at x: Variable) -> Variable {
    joined([z, x]) { $0.frame($1[0], at: $1[1]) }
  }
  package func logVolumeOfExp(_ x: Variable, _ u: Variable) -> Variable {
    total([x, u]) { $0.logVolumeOfExp($1[0], $1[1]) }
  }
  package func logVolumeDensity(_ x: Variable) -> Variable { total([x]) { $0.logVolumeDensity($1[0]) } }

  /// The root of the sum of the parts' squares.
  package func violation(_ x: Tensor) -> [Float] {
    let each = zip(parts, cut(Variable(x))).map { $0.violation($1.tensor) }
    return (0..<x.shape[0]).map { row in each.reduce(0) { $0 + $1[row] * $1[row] }.squareRoot() }
  }
}
