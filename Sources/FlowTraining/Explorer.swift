// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// Steers a stream as the recording's scripted player does (tools/collect_doom.py), by what is in the picture alone.
///
/// A list of recorded actions does not fit a world that the model makes up: it walks into walls and stays there. The
/// explorer keeps one plan at a time and turns away when the view stands still or no floor is ahead.
struct Explorer {
  private enum Move: String, CaseIterable {
    case none, forward, left, right
    case forwardLeft = "forward-left"
    case forwardRight = "forward-right"
    var walks: Bool { self == .forward || self == .forwardLeft || self == .forwardRight }
  }

  /// Mean absolute change of a byte below which a forward step met a wall.
  private static let still = 2.0

  private let width: Int
  private let height: Int
  private let indices: [Move: Int]
  private var random: Random
  private var move = Move.none
  private var stepsLeft = 0
  private var previous: [UInt8]?

  /// An explorer of pictures of this size; nil if the model lacks one of the player's actions.
  init?(width: Int, height: Int, actions: [String], seed: UInt64) {
    self.width = width
    self.height = height
    random = Random(key: seed)
    var indices: [Move: Int] = [:]
    for move in Move.allCases {
      guard let index = actions.firstIndex(of: move.rawValue) else { return nil }
      indices[move] = index
    }
    self.indices = indices
  }

  /// The index of the next action, from the present picture: `height · width · 3` bytes.
  mutating func act(on picture: [UInt8]) -> Int {
    if isBlocked(picture) || (isWallAhead(picture) && draw() < 0.75) {
      turnAway(picture)
    } else if stepsLeft == 0 {
      plan()
    }
    previous = picture
    stepsLeft -= 1
    return indices[move]!
  }

  private mutating func draw() -> Float { random.uniforms(1)[0] }

  private mutating func either(_ first: Move, _ second: Move) -> Move { draw() < 0.5 ? first : second }

  private mutating func hold(_ move: Move, _ steps: ClosedRange<Int>) {
    self.move = move
    stepsLeft = random.integer(in: steps.lowerBound..<steps.upperBound + 1)
  }

  private mutating func plan() {
    switch draw() {
    case ..<0.5: hold(.forward, 4...16)
    case ..<0.78: hold(either(.forwardLeft, .forwardRight), 3...10)
    case ..<0.9: hold(either(.left, .right), 3...12)
    default: hold(Move.allCases[random.integer(in: 0..<Move.allCases.count)], 1...4)
    }
  }

  /// Turns for a while: on with the present turn, else to the side that shows more floor.
  private mutating func turnAway(_ picture: [UInt8]) {
    if move == .left || move == .right {
      stepsLeft = max(stepsLeft, random.integer(in: 1..<5))
      return
    }
    let left = floor(picture, rows: 0..<height, columns: 0..<width / 2)
    let right = floor(picture, rows: 0..<height, columns: width / 2..<width)
    hold(left == right ? either(.left, .right) : left > right ? .left : .right, 4...12)
  }

  private func isBlocked(_ picture: [UInt8]) -> Bool {
    guard let previous, move.walks else { return false }
    let change = zip(picture, previous).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
    return Double(change) < Self.still * Double(picture.count)
  }

  /// Whether no floor further off than a few steps is seen in the middle.
  private func isWallAhead(_ picture: [UInt8]) -> Bool {
    floor(picture, rows: 0..<height * 5 / 6, columns: width * 5 / 16..<width * 11 / 16) == 0
  }

  /// How many pixels show the green floor.
  private func floor(_ picture: [UInt8], rows: Range<Int>, columns: Range<Int>) -> Int {
    var count = 0
    for row in rows {
      for column in columns {
        let pixel = (row * width + column) * 3
        let red = Int(picture[pixel]), green = Int(picture[pixel + 1]), blue = Int(picture[pixel + 2])
        if green > red + 8 && green > blue + 8 { count += 1 }
      }
    }
    return count
  }
}
