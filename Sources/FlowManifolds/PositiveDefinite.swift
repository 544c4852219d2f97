// SPDX-License-Identifier: Apache-2.0

package import FlowAutodiff
package import FlowTensor
internal import Foundation

/// The symmetric positive definite n×n matrices: rows of n² numbers, with the affine-invariant metric
/// ⟨U, V⟩_X = tr(X⁻¹UX⁻¹V). Tangents are symmetric matrices.
///
/// With S = X^½: exp_X(U) = S·e^(S⁻¹US⁻¹)·S, log_X(Y) = S·log(S⁻¹YS⁻¹)·S, distance = |log(S⁻¹YS⁻¹)|, transport
/// U ↦ E·U·Eᵀ with E = S·(S⁻¹YS⁻¹)^½·S⁻¹ = (YX⁻¹)^½. Curvature −½…0, no cut locus. Prior: exp at I of a standard normal.
///
/// Matrix functions are in double precision and smooth where eigenvalues meet, but rows are float32: a condition number
/// κ costs a relative error of 1e-7·κ, and eigenvalues below 1e-7 of the largest are taken for that.
///
/// Pennec, Fillard, Ayache, A Riemannian Framework for Tensor Computing (2006); Bhatia, Positive Definite Matrices (2007).
package struct PositiveDefinite: Manifold {
  package let size: Int

  /// Matrices of `size` rows and columns, one or more.
  package init(size: Int) {
    precondition(size > 0, "PositiveDefinite: size \(size)")
    self.size = size
  }

  package var name: String { "spd(\(size))" }
  package var ambient: Int { size * size }
  package var dimension: Int { size * (size + 1) / 2 }
  package var injectivityRadius: Double { .infinity }

  private func matrices(_ x: Variable) -> Variable { x.matrices(size, size) }

  /// The symmetric part, its eigenvalues raised to 1e-6 at least.
  package func projected(_ x: Variable) -> Variable { matrices(x).spectral(.atLeast(1e-6)).flattened }

  package func tangent(_ u: Variable, at x: Variable) -> Variable { matrices(u).symmetricPart.flattened }

  /// U as seen from the identity: X^−½·U·X^−½.
  private func whitened(_ u: Variable, at x: Variable) -> Variable {
    matrices(x).spectral(.power(-0.5)).around(matrices(u))
  }

  package func inner(_ u: Variable, _ v: Variable, at x: Variable) -> Variable {
    let inverse = matrices(x).spectral(.power(-0.5))
    return inverse.around(matrices(u)).flattened.dot(inverse.around(matrices(v)).flattened)
  }

  package func exp(_ x: Variable, _ u: Variable) -> Variable {
    matrices(x).spectral(.power(0.5)).around(whitened(u, at: x).spectral(.exp)).symmetricPart.flattened
  }

  package func log(_ x: Variable, _ y: Variable) -> Variable {
    matrices(x).spectral(.power(0.5)).around(whitened(y, at: x).spectral(.log)).symmetricPart.flattened
  }

  package func distance(_ x: Variable, _ y: Variable) -> Variable {
    whitened(y, at: x).spectral(.log).flattened.squaredNorm.map(.sqrt)
  }

  package func transport(_ u: Variable, from x: Variable, to y: Variable) -> Variable {
    let root = matrices(x).spectral(.power(0.5)), inverse = matrices(x).spectral(.power(-0.5))
    let mover = root.times(inverse.around(matrices(y)).spectral(.power(0.5))).times(inverse)
    return mover.times(matrices(u)).timesTransposed(mover).symmetricPart.flattened
  }

  private func identities(_ count: Int) -> Variable {
    identity(size).reshaped([1, ambient]).broadcast(to: [count, ambient])
  }

  package func samplePrior(_ count: Int, _ random: inout Random) -> Tensor {
    let origin = identities(count)
    return exp(origin, tangentNormal(at: origin, &random)).tensor
  }

  package func priorLogDensity(_ x: Variable) -> Variable {
    let origin = identities(x.shape[0])
    return standardNormalLogDensity(log(origin, x), at: origin)
  }

  /// X^½·sym(Z)·X^½.
  package func frame(_ z: Variable, at x: Variable) -> Variable {
    matrices(x).spectral(.power(0.5)).around(matrices(z).symmetricPart).flattened
  }

  /// Σ over i < j of log(sinh a/a), a = (λᵢ − λⱼ)/2, λ the eigenvalues of X^−½·U·X^−½.
  package func logVolumeOfExp(_ x: Variable, _ u: Variable) -> Variable {
    let differences = commutator(0.5 * whitened(u, at: x))
    return 0.5 * (-differences.times(differences)).spectral(.logSineOfRoot).trace
  }

  /// −(n + 1)/2·log det X.
  package func logVolumeDensity(_ x: Variable) -> Variable {
    Float(-0.5) * Float(size + 1) * matrices(x).spectral(.log).trace
  }

  /// How far the row is from symmetric, and its least eigenvalue from positive.
  package func violation(_ x: Tensor) -> [Float] {
    let x = matrices(Variable(x)), symmetric = x.symmetricPart
    let asymmetry = (x - symmetric).flattened.squaredNorm
    let negative = (symmetric.spectral(.atLeast(0)) - symmetric).flattened.squaredNorm
    return (asymmetry + negative).map(.sqrt).tensor.elements.map { $0.isFinite ? $0 : .infinity }
  }
}

/// A⊗I − I⊗Aᵀ of each n×n matrix, which is M ↦ AM − MA on rows of n² numbers: of a symmetric A, the symmetric matrix
/// whose eigenvalues are the differences of those of A.
func commutator(_ a: Variable) -> Variable {
  let count = a.shape[0], n = a.shape[1]
  let left = a.reshaped([count, n, 1, n, 1]), right = a.transposed.reshaped([count, 1, n, 1, n])
  let rows = identity(n).reshaped([1, n, 1, n, 1]), columns = identity(n).reshaped([1, 1, n, 1, n])
  return (left * columns - rows * right).reshaped([count, n * n, n * n])
}
