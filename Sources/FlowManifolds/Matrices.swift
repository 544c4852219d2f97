// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowTensor
internal import Foundation

extension Variable {
  /// Rows as matrices: [count, rows·columns] becomes [count, rows, columns].
  func matrices(_ rows: Int, _ columns: Int) -> Variable { reshaped([shape[0], rows, columns]) }

  /// Matrices as rows.
  var flattened: Variable { reshaped([shape[0], shape[1] * shape[2]]) }

  /// (A + Aᵀ)/2.
  var symmetricPart: Variable { 0.5 * (self + transposed) }

  /// (A − Aᵀ)/2.
  var skewPart: Variable { 0.5 * (self - transposed) }

  /// A·B of each pair.
  func times(_ other: Variable) -> Variable { product(self, other) }

  /// Aᵀ·B of each pair.
  func transposedTimes(_ other: Variable) -> Variable { product(self, other, transposeA: true) }

  /// A·Bᵀ of each pair.
  func timesTransposed(_ other: Variable) -> Variable { product(self, other, transposeB: true) }

  /// A·B·A of each pair.
  func around(_ inner: Variable) -> Variable { times(inner).times(self) }

  /// The trace of each matrix, [count, 1].
  var trace: Variable { flattened.dot(identity(shape[1]).reshaped([1, shape[1] * shape[1]])) }
}

/// A·B in float32, whatever the task's precision is: points are not to be rounded as weights are.
func product(_ a: Variable, _ b: Variable, transposeA: Bool = false, transposeB: Bool = false) -> Variable {
  matmul(a, b, transposeA: transposeA, transposeB: transposeB, precision: .float32)
}

/// The n×n identity, [1, n, n].
func identity(_ n: Int) -> Variable {
  Variable(Tensor((0..<n * n).map { $0 % (n + 1) == 0 ? 1 : 0 }, shape: [1, n, n]))
}

/// log of the (n − 1)-dimensional area of the unit sphere in ℝⁿ: 2π^(n/2)/Γ(n/2).
func logSphereArea(ambient n: Int) -> Double {
  logTwo + 0.5 * Double(n) * logPi - logGammaOfHalf(n)
}

/// log 2 and log π.
let logTwo = 0.693147180559945309, logPi = 1.144729885849400174

/// log Γ(n/2) for n ≥ 1, from Γ(½) = √π, Γ(1) = 1 and Γ(z + 1) = z·Γ(z).
private func logGammaOfHalf(_ n: Int) -> Double {
  stride(from: n - 2, to: 0, by: -2).reduce(n % 2 == 1 ? 0.5 * logPi : 0) { $0 + log(0.5 * Double($1)) }
}

/// log x, out of the way of the manifolds' own.
func logarithm(_ x: Float) -> Double { log(Double(x)) }
