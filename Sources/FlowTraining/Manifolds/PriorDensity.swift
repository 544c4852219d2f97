// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowGeneration
internal import FlowManifolds
internal import FlowTensor
internal import Glibc

extension ManifoldPrior {
  /// The log density of rows against the Riemannian volume, [count, 1].
  func logDensity(_ x: Variable, on manifold: any Manifold) -> Variable {
    switch self {
    case .standard: return manifold.priorLogDensity(x)
    case .wrappedNormal(let centres, let deviation):
      let each = centres.map { WrappedNormal(manifold, mean: $0, deviation: deviation).logDensity(x) }
      return (concatenate(each, axis: 1).logSumExp(axis: 1) - log(Float(centres.count))).reshaped([
        x.shape[0], 1,
      ])
    }
  }
}
