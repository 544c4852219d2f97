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

/// The rows of a batch in tiles that stay in the second-level cache while several products pass over them, and the
/// tiles in groups with sums of their own. Both depend on the number of rows alone, so results do not depend on the team.
struct RowTiles {
  private let tiles: Split
  private let groups: Split

  /// The least rows that sums by groups pay for; fewer are as fast as whole products.
  static let leastForSums = 2048

  init(_ rows: Int) {
    tiles = Split(rows, parts: max(Split.parts(of: rows, most: 128), min(4, rows / 32)))
    // A group's sums are written and read once more: the more rows it has, the less that weighs.
    groups = Split(tiles.count, parts: min(16, rows / 1024))
  }

  /// The most rows of a tile.
  var most: Int { tiles[tiles.count - 1].count }

  /// Calls `body` with each tile, on all cores.
  func forEach(_ body: (_ rows: Range<Int>) -> Void) { Team.run(tiles.count) { body(tiles[$0]) } }

  /// Calls `body` with the tiles of each group in their order, on all cores, and with memory for `count` sums that all
  /// tiles of a group share; adds the sums of the groups, in their order.
  ///
  /// - Parameters:
  ///   - scratch: floats that `body` may use as it likes.
  ///   - body: sets the sums for the first tile of a group, where `isFirst`, and adds to them for the others.
  func sum(
    _ count: Int, scratch: Int,
    _ body: (
      _ rows: Range<Int>, _ isFirst: Bool, _ sums: UnsafeMutablePointer<Float>,
      _ scratch: UnsafeMutablePointer<Float>
    ) -> Void
  ) -> Storage {
    let total = Storage(count: count), others = Storage(count: (groups.count - 1) * count)
    Team.run(groups.count) { group in
      let sums = group == 0 ? total.base : others.base + (group - 1) * count
      let memory = Storage(count: scratch)
      for tile in groups[group] {
        body(tiles[tile], tile == groups[group].lowerBound, sums, memory.base)
      }
      withExtendedLifetime(memory) {}
    }
    Team.split(count, grain: elementGrain) { range in
      for group in 1..<groups.count {
        flow_accumulate(
          range.count, others.base + (group - 1) * count + range.lowerBound, total.base + range.lowerBound)
      }
    }
    withExtendedLifetime(others) {}
    return total
  }
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
