// SPDX-License-Identifier: Apache-2.0

package import FlowAutodiff
package import FlowTensor

/// exp at a mean of an isotropic normal tangent: x = exp_μ(σ·z), z standard normal in the metric at μ.
///
/// log density against the Riemannian volume, with u = log_μ(x):
/// −|u|²/2σ² − (n/2)·log 2πσ² − log |det d exp_μ| at u. Exact where exp_μ is one to one; beyond the injectivity radius
/// only the shortest of the ways to x is counted, so keep σ well below it.
///
/// Mathieu et al., Continuous Hierarchical Representations with Poincaré VAEs (2019).
package struct WrappedNormal: Sendable {
  private let manifold: any Manifold
  private let mean: Tensor
  private let deviation: Float

  /// Around the row `mean`, a point of the manifold, with a positive deviation in Riemannian units.
  package init(_ manifold: any Manifold, mean: [Float], deviation: Float) {
    precondition(mean.count == manifold.ambient, "WrappedNormal: \(mean.count) numbers on \(manifold.name)")
    precondition(deviation > 0, "WrappedNormal: deviation \(deviation)")
    self.manifold = manifold
    self.mean = Tensor(mean, shape: [1, mean.count])
    self.deviation = deviation
  }

  private func means(_ count: Int) -> Variable { Variable(mean.broadcast(to: [count, manifold.ambient])) }

  /// `count` points, [count, ambient].
  package func sample(_ count: Int, _ random: inout Random) -> Tensor {
    let means = means(count)
    return manifold.exp(means, deviation * manifold.tangentNormal(at: means, &random)).tensor
  }

  /// The log density of each row, [count, 1].
  package func logDensity(_ x: Variable) -> Variable {
    let means = means(x.shape[0])
    return manifold.standardNormalLogDensity(manifold.log(means, x), at: means, deviation: deviation)
  }
}

extension Manifold {
  /// The log density of exp_x(u) where u is normal of this deviation at x.
  func standardNormalLogDensity(_ u: Variable, at x: Variable, deviation: Float = 1) -> Variable {
    let constant = 0.5 * Double(dimension) * (logTwo + logPi + 2 * logarithm(deviation))
    return (-0.5 / (deviation * deviation)) * inner(u, u, at: x) - Float(constant) - logVolumeOfExp(x, u)
  }
}
