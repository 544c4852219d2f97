// SPDX-License-Identifier: Apache-2.0

/// Rows of floats that are overwritten in place: the one tensor-like thing that changes, for caches.
///
/// Not Sendable: one stream owns it.
public final class RowBuffer {
  private let tensor: Tensor
  private let width: Int

  /// `rows` rows of `width` zeros.
  public init(rows: Int, width: Int) {
    tensor = .zeros([rows, width])
    self.width = width
  }

  /// Replaces rows from `row` on by those of `rows` [count, width].
  public func write(_ rows: Tensor, at row: Int) {
    precondition(
      rows.count % width == 0 && row >= 0 && row * width + rows.count <= tensor.count,
      "RowBuffer: rows of shape \(rows.shape) at row \(row) of \(tensor.shape)")
    (tensor.storage.base + row * width).update(from: rows.pointer, count: rows.count)
  }

  /// The first `count` rows [count, width], without copying: what it reads changes with the next write.
  public func first(_ count: Int) -> Tensor { tensor.rows(0..<count) }
}
