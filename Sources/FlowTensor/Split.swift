// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// The indices below `extent` in parts that differ by one at most.
struct Split {
  /// Parts, at least one.
  let count: Int
  private let extent: Int

  init(_ extent: Int, parts: Int) {
    self.extent = extent
    count = max(1, parts)
  }

  /// As few parts as keep each at or below `most`.
  init(_ extent: Int, most: Int) { self.init(extent, parts: Self.parts(of: extent, most: most)) }

  subscript(part: Int) -> Range<Int> { part * extent / count..<(part + 1) * extent / count }

  static func parts(of extent: Int, most: Int) -> Int { (extent + most - 1) / most }
}

/// The transpose of a matrix [rows, columns], as memory [columns, rows].
func transposedCopy(_ x: Tensor, rows: Int, columns: Int) -> Storage {
  let result = Storage(count: rows * columns)
  Team.split(rows, grain: max(16, elementGrain / max(columns, 1) / 16 * 16)) { range in
    let first = range.lowerBound
    flow_transpose(range.count, columns, x.pointer + first * columns, columns, result.base + first, rows)
  }
  return result
}
