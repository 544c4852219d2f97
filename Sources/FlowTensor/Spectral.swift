// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels
internal import COpenBLAS

/// A function of one number as a function of symmetric matrices: f(A) = Σ f(λᵢ)·Pᵢ for A = Σ λᵢ·Pᵢ.
///
/// Eigenvalues outside the domain, which rounding makes of ones at its edge, are moved to it: for `log` and `power` to
/// 1e-7 of the largest.
public enum SpectralFunction: Sendable, Hashable {
  case exp, log
  /// x^p.
  case power(Double)
  /// c₀(x) = cos √x and c₁(x) = sin √x / √x, cosh √−x and sinh √−x / √−x for negative x; and log c₁.
  case cosineOfRoot, sineOfRoot, logSineOfRoot
  /// arccos x / √(1 − x²), arcosh x / √(x² − 1) for x > 1.
  case angleOverSine
  /// x, but at least a bound.
  case atLeast(Double)
  /// The projection on the eigenvectors of the `rank` largest eigenvalues.
  case leading(rank: Int)

  fileprivate var kernel: flow_spectral {
    switch self {
    case .exp: flow_spectral(FLOW_SPECTRAL_EXP)
    case .log: flow_spectral(FLOW_SPECTRAL_LOG)
    case .power(let exponent): flow_spectral(FLOW_SPECTRAL_POWER, exponent)
    case .cosineOfRoot: flow_spectral(FLOW_SPECTRAL_COSINE_ROOT)
    case .sineOfRoot: flow_spectral(FLOW_SPECTRAL_SINE_ROOT)
    case .logSineOfRoot: flow_spectral(FLOW_SPECTRAL_LOG_SINE_ROOT)
    case .angleOverSine: flow_spectral(FLOW_SPECTRAL_ANGLE_OVER_SINE)
    case .atLeast(let bound): flow_spectral(FLOW_SPECTRAL_AT_LEAST, bound)
    case .leading(let rank): flow_spectral(FLOW_SPECTRAL_LEADING, Double(rank))
    }
  }
}

extension flow_spectral {
  fileprivate init(_ function: some BinaryInteger, _ parameter: Double = 0) {
    self.init(function: Int32(function), parameter: parameter)
  }
}

extension Tensor {
  /// `function` of each symmetric matrix A of a batch [batch, n, n], or the part of f(A + E₁ + … + E_k) that is linear
  /// in each of the directions E₁…E_k, in this order; directions need not be symmetric.
  ///
  /// Σ f[λ_i₀, …, λ_i_k]·P_i₀·E₁·P_i₁ ⋯ E_k·P_i_k with divided differences f[…], which close and equal eigenvalues
  /// do not trouble (Daleckii and Krein 1965 for k = 1). In double precision. Cost a matrix: an eigenvalue
  /// decomposition by LAPACK and n^(k+1) differences; k ≤ 5.
  public static func spectral(_ function: SpectralFunction, _ a: Tensor, along directions: [Tensor] = [])
    -> Tensor
  {
    precondition(
      a.shape.rank == 3 && a.shape[1] == a.shape[2] && directions.allSatisfy { $0.shape == a.shape },
      "spectral: matrices \(a.shape) along \(directions.map(\.shape))")
    precondition(directions.count <= Int(FLOW_SPECTRAL_ORDER), "spectral: \(directions.count) directions")
    singleThreadedOpenBLAS
    let n = a.shape[1], size = n * n
    return Tensor(a.shape) { result in
      if size == 0 { return }
      Team.split(a.shape[0], grain: max(1, 4096 / (size * n))) { range in
        var decomposition = SymmetricDecomposition(n: n, directions: directions.count)
        for matrix in range {
          decomposition.run(
            function.kernel, a.pointer + matrix * size, directions.map { $0.pointer + matrix * size },
            result + matrix * size)
        }
      }
      withExtendedLifetime(directions) {}
    }
  }
}

/// The memory that one thread takes symmetric matrices apart in.
private struct SymmetricDecomposition {
  private let n: Int
  private var vectors: [Double]
  private var values: [Double]
  private var lapackWorkspace: [Double]
  private var workspace: [Double]

  init(n: Int, directions: Int) {
    self.n = n
    vectors = [Double](repeating: 0, count: n * n)
    values = [Double](repeating: 0, count: n)
    lapackWorkspace = [Double](repeating: 0, count: 34 * n)
    workspace = [Double](repeating: 0, count: (2 + directions) * n * n)
  }

  mutating func run(
    _ function: flow_spectral, _ a: UnsafePointer<Float>, _ directions: [UnsafePointer<Float>?],
    _ result: UnsafeMutablePointer<Float>
  ) {
    var function = function, n = Int32(self.n), size = Int32(lapackWorkspace.count), status: Int32 = 0
    for index in vectors.indices { vectors[index] = Double(a[index]) }
    guard vectors.allSatisfy(\.isFinite) else {
      return result.initialize(repeating: .nan, count: vectors.count)
    }
    dsyev_("V", "L", &n, &vectors, &n, &values, &lapackWorkspace, &size, &status)
    precondition(status == 0, "spectral: dsyev ended with status \(status)")
    flow_spectral_map(
      &function, Int32(directions.count), n, &values, vectors, directions, result, &workspace)
  }
}
