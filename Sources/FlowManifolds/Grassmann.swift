// SPDX-License-Identifier: Apache-2.0

package import FlowAutodiff
package import FlowTensor

/// The p-dimensional subspaces of ℝⁿ: rows of the n² numbers of the orthogonal projection P on the subspace, with
/// ⟨U, V⟩ = tr(UV)/2. Tangents are symmetric U with UP + PU = U.
///
/// With the reflection J = 2P − I: exp_P(U) = (I + cos 2U·J + sin 2U)/2. The half-way subspace, the p leading
/// eigenvectors of P + Q, has the reflection K = cos U·J + sin U, so that with C = (KJ + JK)/2:
/// log_P(Q) = F(C)·(K − CJ), F(c) = arccos c/√(1 − c²). Distance = √Σ θᵢ² of the principal angles. Transport along V:
/// U ↦ E·U·Eᵀ, E = e^[V, P]. Curvature 0…2 (1 for p = 1); injectivity radius π/2. Prior: uniform.
///
/// Cut locus: a principal angle of a quarter turn, where a direction of one subspace is orthogonal to the other and the
/// half-way subspace is any of a circle of them, which one LAPACK decides. At an angle of δ from it log and distance
/// err by 1e-7/δ, so that nearer than 1e-5 only this holds: they and their derivatives are finite.
///
/// Bendokat, Zimmermann, Absil, A Grassmann Manifold Handbook (2024).
package struct Grassmann: Manifold {
  package let size: Int
  package let rank: Int

  /// The subspaces of `rank` dimensions of ℝ^`size`, 0 < rank < size.
  package init(size: Int, rank: Int) {
    precondition(rank > 0 && rank < size, "Grassmann: rank \(rank) in \(size) dimensions")
    self.size = size
    self.rank = rank
  }

  package var name: String { "grassmann(\(size),\(rank))" }
  package var ambient: Int { size * size }
  package var dimension: Int { rank * (size - rank) }
  package var injectivityRadius: Double { .pi / 2 }

  private func matrices(_ x: Variable) -> Variable { x.matrices(size, size) }
  private func reflection(_ x: Variable) -> Variable { 2 * matrices(x) - identity(size) }

  /// The projection on the eigenvectors of the p largest eigenvalues of the symmetric part.
  package func projected(_ x: Variable) -> Variable {
    matrices(x).spectral(.leading(rank: rank)).flattened
  }

  /// PS(I − P) + (I − P)SP of the symmetric part S.
  package func tangent(_ u: Variable, at x: Variable) -> Variable {
    let p = matrices(x), product = p.times(matrices(u).symmetricPart)
    return (product + product.transposed - 2 * product.times(p)).symmetricPart.flattened
  }

  package func inner(_ u: Variable, _ v: Variable, at x: Variable) -> Variable { 0.5 * u.dot(v) }

  package func exp(_ x: Variable, _ u: Variable) -> Variable {
    let u = matrices(u), square = 4 * u.times(u)
    let cosine = square.spectral(.cosineOfRoot), sine = 2 * square.spectral(.sineOfRoot).times(u)
    return (0.5 * (identity(size) + cosine.times(reflection(x)) + sine)).symmetricPart.flattened
  }

  package func log(_ x: Variable, _ y: Variable) -> Variable {
    let j = reflection(x),
      middle = 2 * (matrices(x) + matrices(y)).spectral(.leading(rank: rank)) - identity(size)
    let cosine = middle.times(j).symmetricPart, sine = middle - cosine.times(j)
    return tangent(cosine.spectral(.angleOverSine).times(sine).flattened, at: x)
  }

  package func transport(_ u: Variable, from x: Variable, to y: Variable) -> Variable {
    let v = matrices(log(x, y)), square = v.times(v)
    let turn = square.spectral(.cosineOfRoot) + square.spectral(.sineOfRoot).times(v).times(reflection(x))
    return turn.times(matrices(u)).timesTransposed(turn).symmetricPart.flattened
  }

  package func samplePrior(_ count: Int, _ random: inout Random) -> Tensor {
    let basis = Stiefel(size: size, rank: rank).samplePrior(count, &random)
    let matrices = Variable(basis).matrices(size, rank)
    return matrices.timesTransposed(matrices).flattened.tensor
  }

  /// −log of the volume, that of the frames of n vectors over that of the p×p orthogonal matrices.
  package func priorLogDensity(_ x: Variable) -> Variable {
    let frames = logVolumeOfFrames(size: size, rank: rank), within = logVolumeOfFrames(size: rank, rank: rank)
    return x.zeroColumn - Float(frames - within)
  }

  /// √2 times the tangent part: that is as long in this metric as z is.
  package func frame(_ z: Variable, at x: Variable) -> Variable {
    Float(2).squareRoot() * tangent(z, at: x)
  }

  /// ½·Σ over pairs i < j of eigenvalues μ of [U, P] of log(sin a/a), a = |μᵢ + μⱼ|: those are the roots of the skew
  /// matrices, half of which are the isotropy group's. All pairs, less those of an eigenvalue with itself, count twice.
  package func logVolumeOfExp(_ x: Variable, _ u: Variable) -> Variable {
    let u = matrices(u), turn = commutator(u.times(reflection(x)))
    let all = turn.transposedTimes(turn).spectral(.logSineOfRoot).trace
    return 0.25 * (all - (4 * u.times(u)).spectral(.logSineOfRoot).trace)
  }
}
