// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// A·B on all cores, each by a oneDNN product of its own: split by rows of A or by columns of B, whichever is faster.
final class SplitProduct {
  private let parts: [OneDNNProduct]
  private let splitsRows: Bool

  init(a: Tensor, b: Tensor, precision: InferencePrecision, pieces: Int) {
    let rows = Self.cut(a, pieces).map { OneDNNProduct(a: $0, b: b, precision: precision) }
    let columns = Self.cut(b.transposed, pieces).map {
      OneDNNProduct(a: a, b: $0.transposed, precision: precision)
    }
    let fastest = { (parts: [OneDNNProduct]) in
      (0..<50).map { _ in ContinuousClock().measure { Self.run(parts) } }.min()!
    }
    splitsRows = fastest(rows) <= fastest(columns)
    parts = splitsRows ? rows : columns
  }

  /// Equal shares of the first axis.
  private static func cut(_ matrix: Tensor, _ pieces: Int) -> [Tensor] {
    let rows = matrix.shape[0]
    return (0..<pieces).map { matrix.rows($0 * rows / pieces..<($0 + 1) * rows / pieces) }
  }

  private static func run(_ parts: [OneDNNProduct]) { Team.run(parts.count) { parts[$0].run() } }

  func run() { Self.run(parts) }

  /// The product [rows, columns].
  var output: Tensor { Tensor.concatenate(parts.map(\.output), axis: splitsRows ? 0 : 1) }
}

extension Tensor {
  fileprivate var transposed: Tensor { permuted([1, 0]) }
}
