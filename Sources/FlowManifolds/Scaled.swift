// SPDX-License-Identifier: Apache-2.0

package import FlowAutodiff
package import FlowTensor
internal import Foundation

/// M with all lengths multiplied by a factor c: ⟨u, v⟩ = c²·⟨u, v⟩_M on the same rows.
///
/// exp, log, transport and geodesics are those of M, as is the cut locus; distances and the injectivity radius are c
/// times as long, curvature is divided by c². Prior: that of M, its density taken against the larger volume.
package struct Scaled: Manifold {
  package let factor: Double
  package let base: any Manifold

  /// `base` with lengths multiplied by `factor`, which is positive.
  package init(by factor: Double, _ base: any Manifold) {
    precondition(factor > 0 && factor.isFinite, "Scaled: factor \(factor)")
    self.factor = factor
    self.base = base
  }

  package var name: String { "scaled(\(factor.formatted),\(base.name))" }
  package var ambient: Int { base.ambient }
  package var dimension: Int { base.dimension }
  package var injectivityRadius: Double { factor * base.injectivityRadius }

  private var logVolume: Float { Float(Double(dimension) * Foundation.log(factor)) }

  package func projected(_ x: Variable) -> Variable { base.projected(x) }
  package func tangent(_ u: Variable, at x: Variable) -> Variable { base.tangent(u, at: x) }
  package func inner(_ u: Variable, _ v: Variable, at x: Variable) -> Variable {
    Float(factor * factor) * base.inner(u, v, at: x)
  }
  package func exp(_ x: Variable, _ u: Variable) -> Variable { base.exp(x, u) }
  package func log(_ x: Variable, _ y: Variable) -> Variable { base.log(x, y) }
  package func distance(_ x: Variable, _ y: Variable) -> Variable { Float(factor) * base.distance(x, y) }
  package func transport(_ u: Variable, from x: Variable, to y: Variable) -> Variable {
    base.transport(u, from: x, to: y)
  }
  package func geodesic(from x: Variable, to y: Variable, at t: Variable)
    -> (point: Variable, velocity: Variable)
  {
    base.geodesic(from: x, to: y, at: t)
  }

  package func samplePrior(_ count: Int, _ random: inout Random) -> Tensor {
    base.samplePrior(count, &random)
  }
  package func priorLogDensity(_ x: Variable) -> Variable { base.priorLogDensity(x) - logVolume }
  package func frame(_ z: Variable, at x: Variable) -> Variable { Float(1 / factor) * base.frame(z, at: x) }
  package func logVolumeOfExp(_ x: Variable, _ u: Variable) -> Variable { base.logVolumeOfExp(x, u) }
  package func logVolumeDensity(_ x: Variable) -> Variable { base.logVolumeDensity(x) + logVolume }
  package func violation(_ x: Tensor) -> [Float] { base.violation(x) }
}

extension Double {
  /// As short as it reads back: `2`, not `2.0`.
  var formatted: String { self == rounded() && magnitude < 1e15 ? "\(Int(self))" : "\(self)" }
}
