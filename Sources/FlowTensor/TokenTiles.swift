// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// The tokens of a batch in tiles that stay in the second-level cache while several products pass over them, and the
/// tiles in groups with sums of their own. Both depend on the extents alone, so results do not depend on the team.
///
/// A tile is of whole batch rows, or of a piece of one where rows are long, so that what the tokens of a batch row share
/// is one array for all tokens of a tile.
struct TokenTiles {
  struct Tile {
    /// Batch rows of the tile, and tokens of each.
    let batch: Int
    let tokens: Int
    /// The first token of all, the first batch row, and the first piece.
    let first: Int
    let row: Int
    let piece: Int

    /// Tokens of the tile.
    var count: Int { batch * tokens }
  }

  /// Pieces that a batch row is cut into.
  let pieces: Int
  /// The most tokens of a tile.
  var most: Int {
    pieces == 1 ? rows[rows.count - 1].count * tokens : Split(tokens, parts: pieces)[pieces - 1].count
  }

  private let batch: Int
  private let tokens: Int
  private let rows: Split
  private let groups: Split

  /// Tokens of a tile, about: the widest layers of a tile of them fit, and the products reach their rate.
  private static let tileTokens = 192
  /// Tiles of a batch of `batch` rows of `tokens` tokens.
  init(batch: Int, tokens: Int) {
    self.batch = batch
    self.tokens = tokens
    pieces = max(1, (tokens + Self.tileTokens / 2) / Self.tileTokens)
    rows = Split(batch, parts: pieces > 1 ? batch : Self.even((batch * tokens) / Self.tileTokens))
    let tiles = rows.count * pieces
    // A group's sums are written and read once more: the more tokens it has, the less that weighs.
    groups = Split(tiles, parts: min(tiles, Self.even(max(4, min(16, batch * tokens / 1536)))))
  }

  /// About `parts`, but so many that as many fall to each core: one part more than that is a part for which all wait.
  private static func even(_ parts: Int) -> Int { parts < 4 ? parts : (parts + 2) / 4 * 4 }

  private func tile(_ index: Int) -> Tile {
    if pieces == 1 {
      let range = rows[index]
      return Tile(
        batch: range.count, tokens: tokens, first: range.lowerBound * tokens, row: range.lowerBound,
        piece: range.lowerBound)
    }
    let row = index / pieces, piece = Split(tokens, parts: pieces)[index % pieces]
    return Tile(
      batch: 1, tokens: piece.count, first: row * tokens + piece.lowerBound, row: row, piece: index)
  }

  /// Calls `body` with each tile, on all cores.
  func forEach(_ body: (Tile) -> Void) {
    Team.run(rows.count * pieces) { index in
      let tile = tile(index)
      if tile.count > 0 { body(tile) }
    }
  }

  /// Calls `body` with the tiles of each group in their order, on all cores, and with memory for `count` sums that all
  /// tiles of a group share; adds the sums of the groups, in their order.
  ///
  /// - Parameters:
  ///   - scratch: floats that `body` may use as it likes.
  ///   - body: sets the sums for the first tile of a group, where `isFirst`, and adds to them for the others.
  func sum(
    _ count: Int, scratch: Int,
    _ body: (
      _ tile: Tile, _ isFirst: Bool, _ sums: UnsafeMutablePointer<Float>,
      _ scratch: UnsafeMutablePointer<Float>
    ) -> Void
  ) -> Storage {
    let total = Storage(count: count), others = Storage(count: (groups.count - 1) * count)
    Team.run(groups.count) { group in
      let sums = group == 0 ? total.base : others.base + (group - 1) * count
      let memory = Storage(count: scratch)
      for index in groups[group] {
        body(tile(index), index == groups[group].lowerBound, sums, memory.base)
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

  /// Memory for sums over the tokens of each piece, `channels` to a piece.
  func pieceSums(_ channels: Int) -> Tensor { Tensor([batch, pieces, channels]) { _ in } }

  /// The sums over pieces as sums over the tokens of each batch row, of shape `shape`.
  func total(_ pieceSums: Tensor, _ shape: Shape) -> Tensor {
    (pieces == 1 ? pieceSums : pieceSums.sum(axis: 1)).reshaped(shape)
  }
}

extension Tensor {
  /// Whether a batch of this many tokens in all is worth going through by tiles, in the precision that is current.
  public static func isTiled(tokens: Int) -> Bool { tokens >= 512 && MatmulPrecision.current == .float32 }
}

/// Arrays beside each other in one memory.
struct SumPlaces {
  struct Place {
    let offset: Int
    let shape: Shape

    func tensor(_ storage: Storage) -> Tensor { Tensor(shape: shape, storage: storage, offset: offset) }
  }

  private(set) var count = 0

  /// The place of the next array, at a multiple of a cache line.
  mutating func add(_ shape: Shape) -> Place {
    defer { count += (shape.count + 15) / 16 * 16 }
    return Place(offset: count, shape: shape)
  }
}
