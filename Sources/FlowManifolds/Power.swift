// SPDX-License-Identifier: Apache-2.0

package import FlowAutodiff
package import FlowTensor

/// M × … × M, `copies` times: the product of equal parts, computed as one batch of count·copies rows.
///
/// Laws, distance, prior and cut locus are those of ``Product``.
package struct Power: Manifold {
  package let base: any Manifold
  package let copies: Int

  /// `copies` of `base` side by side, at least one.
  package init(_ base: any Manifold, copies: Int) {
    precondition(copies > 0, "Power: \(copies) copies")
    self.base = base
    self.copies = copies
  }

  package var name: String { "power(\(base.name),\(copies))" }
  package var ambient: Int { copies * base.ambient }
  package var dimension: Int { copies * base.dimension }
  package var injectivityRadius: Double { base.injectivityRadius }

  /// [count, copies·ambient] as [count·copies, ambient].
  private func apart(_ x: Variable) -> Variable { x.reshaped([x.shape[0] * copies, base.ambient]) }
  private func together(_ x: Variable) -> Variable { x.reshaped([x.shape[0] / copies, ambient]) }
  /// The sum of a column [count·copies, 1] over the copies.
  private func total(_ x: Variable) -> Variable {
    x.reshaped([x.shape[0] / copies, copies]).sum(axes: [1], keepingAxes: true)
  }

  package func projected(_ x: Variable) -> Variable { together(base.projected(apart(x))) }
  package func tangent(_ u: Variable, at x: Variable) -> Variable {
    together(base.tangent(apart(u), at: apart(x)))
  }
  package func inner(_ u: Variable, _ v: Variable, at x: Variable) -> Variable {
    total(base.inner(apart(u), apart(v), at: apart(x)))
  }
  package func exp(_ x: Variable, _ u: Variable) -> Variable { together(base.exp(apart(x), apart(u))) }
  package func log(_ x: Variable, _ y: Variable) -> Variable { together(base.log(apart(x), apart(y))) }
  package func distance(_ x: Variable, _ y: Variable) -> Variable {
    total(base.distance(apart(x), apart(y)).map(.square)).map(.sqrt)
  }
  package func transport(_ u: Variable, from x: Variable, to y: Variable) -> Variable {
    together(base.transport(apart(u), from: apart(x), to: apart(y)))
  }

  package func geodesic(from x: Variable, to y: Variable, at t: Variable)
    -> (point: Variable, velocity: Variable)
  {
    let moved = base.geodesic(from: apart(x), to: apart(y), at: t.repeated(copies, axis: 0))
    return (together(moved.point), together(moved.velocity))
  }

  package func samplePrior(_ count: Int, _ random: inout Random) -> Tensor {
    base.samplePrior(count * copies, &random).reshaped([count, ambient])
  }

  package func priorLogDensity(_ x: Variable) -> Variable { total(base.priorLogDensity(apart(x))) }
  package func frame(_ z: Variable, at x: Variable) -> Variable {
    together(base.frame(apart(z), at: apart(x)))
  }
  package func logVolumeOfExp(_ x: Variable, _ u: Variable) -> Variable {
    total(base.logVolumeOfExp(apart(x), apart(u)))
  }
  package func logVolumeDensity(_ x: Variable) -> Variable { total(base.logVolumeDensity(apart(x))) }

  /// The root of the sum of the copies' squares.
  package func violation(_ x: Tensor) -> [Float] {
    let each = base.violation(apart(Variable(x)).tensor)
    return (0..<x.shape[0]).map { row in
      each[row * copies..<(row + 1) * copies].reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
  }
}
