// SPDX-License-Identifier: Apache-2.0

internal import COneDNN
internal import COpenBLAS
internal import Glibc

/// The library behind matrix products: oneDNN, or OpenBLAS with `FLOW_GEMM=openblas`.
public enum GEMMLibrary: String, CaseIterable, Sendable {
  case onednn, openblas

  /// The library in use.
  public static let selected: GEMMLibrary = {
    guard let name = getenv("FLOW_GEMM") else { return .onednn }
    guard let library = GEMMLibrary(rawValue: String(cString: name)) else {
      preconditionFailure("FLOW_GEMM=\(String(cString: name)): use onednn or openblas")
    }
    return library
  }()
}

/// oneDNN's own threads stay off on the calling thread: the worker team splits the work.
func useOneThreadInOneDNN() { flow_onednn_use_one_thread() }

/// One matrix of a product: where it starts, its row stride, and whether it is read transposed.
struct Matrix {
  var base: UnsafePointer<Float>
  let stride: Int
  var transposed = false
}

/// C ← α·A·B + β·C on the calling thread; C is m×n with row stride `stride`, k the inner extent.
func gemm(
  _ m: Int, _ n: Int, _ k: Int, alpha: Float = 1, _ a: Matrix, _ b: Matrix, beta: Float = 0,
  into c: UnsafeMutablePointer<Float>, stride: Int, library: GEMMLibrary = .selected
) {
  switch library {
  case .onednn:
    useOneThreadInOneDNN()
    let status = dnnl_sgemm(
      a.transposed ? letterT : letterN, b.transposed ? letterT : letterN, Int64(m), Int64(n), Int64(k), alpha,
      a.base, Int64(max(a.stride, 1)), b.base, Int64(max(b.stride, 1)), beta, c, Int64(max(stride, 1)))
    precondition(status == dnnl_success, "gemm: oneDNN refused \(m)×\(n)×\(k) with status \(status.rawValue)")
  case .openblas:
    singleThreadedOpenBLAS
    cblas_sgemm(
      CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans, b.transposed ? CblasTrans : CblasNoTrans,
      blasint(m), blasint(n), blasint(k), alpha, a.base, blasint(max(a.stride, 1)), b.base,
      blasint(max(b.stride, 1)), beta, c, blasint(max(stride, 1)))
  }
}

/// C ← A·B, or C + A·B where `adding`, for whole matrices A [m, k] or Aᵀ [k, m], B [k, n] and C [m, n].
func gemm(
  _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Float>, transposed: Bool = false,
  _ b: UnsafePointer<Float>,
  adding: Bool = false, into c: UnsafeMutablePointer<Float>
) {
  // The library leaves the result as it is where there are no terms.
  if k == 0, !adding { return c.initialize(repeating: 0, count: m * n) }
  gemm(
    m, n, k, Matrix(base: a, stride: transposed ? m : k, transposed: transposed), Matrix(base: b, stride: n),
    beta: adding ? 1 : 0, into: c, stride: n)
}

private let letterN = CChar(UInt8(ascii: "N")), letterT = CChar(UInt8(ascii: "T"))

/// OpenBLAS's own threads stay off: the worker team splits the work.
let singleThreadedOpenBLAS: Void = openblas_set_num_threads(1)
