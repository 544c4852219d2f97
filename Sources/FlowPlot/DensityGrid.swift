// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A density over a rectangle of cells, from points that fell into them, smoothed, in eight bands of colour.
public struct DensityGrid: Sendable {
  /// The bands' colours, from thin to dense.
  static let colours = [
    "#e8f4ef", "#cbe8dc", "#a3d6c9", "#75bfb9", "#4aa3a8", "#2b8394", "#1c627a", "#143f58",
  ]

  /// Cells across.
  public let columns: Int
  /// Cells down.
  public let rows: Int
  /// Density of each cell, row by row, in any unit.
  public private(set) var values: [Double]

  /// A grid of the points whose places lie in 0..<1 × 0..<1, y downwards; others are left out.
  ///
  /// - Parameters:
  ///   - area: the true area of a cell of each row, relative to the others.
  public init(
    _ points: [(x: Double, y: Double)], columns: Int, rows: Int, area: (Int) -> Double = { _ in 1 }
  ) {
    self.columns = columns
    self.rows = rows
    values = [Double](repeating: 0, count: columns * rows)
    for point in points where point.x >= 0 && point.y >= 0 && point.x < 1 && point.y < 1 {
      values[Int(point.y * Double(rows)) * columns + Int(point.x * Double(columns))] += 1
    }
    for row in 0..<rows {
      for column in 0..<columns { values[row * columns + column] /= area(row) }
    }
  }

  /// Smooths with a normal kernel of so many cells across and down, around the edges where the grid closes.
  public mutating func smooth(
    across: (Int) -> Double, down: Double, closesAcross: Bool, closesDown: Bool
  ) {
    for row in 0..<rows {
      let line = Array(values[row * columns..<(row + 1) * columns])
      let smoothed = Self.smooth(line, deviation: across(row), closes: closesAcross)
      values.replaceSubrange(row * columns..<(row + 1) * columns, with: smoothed)
    }
    for column in 0..<columns {
      let line = Self.smooth(
        (0..<rows).map { values[$0 * columns + column] }, deviation: down, closes: closesDown)
      for row in 0..<rows { values[row * columns + column] = line[row] }
    }
  }

  private static func smooth(_ line: [Double], deviation: Double, closes: Bool) -> [Double] {
    let reach = min(Int((3 * deviation).rounded(.up)), (line.count - 1) / 2)
    if reach < 1 { return line }
    let kernel = (-reach...reach).map { exp(-0.5 * pow(Double($0) / deviation, 2)) }
    let sum = kernel.reduce(0, +), count = line.count
    return (0..<count).map { place in
      var total = 0.0
      for (index, weight) in kernel.enumerated() {
        let other = place + index - reach
        if closes {
          total += weight * line[(other + count) % count]
        } else if other >= 0 && other < count {
          total += weight * line[other]
        }
      }
      return total / sum
    }
  }

  /// The band of a cell, 0 for the thinnest, which is left white: by the square root, so that thin parts show.
  private func band(_ value: Double, most: Double) -> Int {
    most <= 0 ? 0 : min(Self.colours.count, Int((value / most).squareRoot() * Double(Self.colours.count + 1)))
  }

  /// Where a band lies: cells in succession, row by row.
  func runs(of band: Int) -> [(row: Int, columns: Range<Int>)] {
    // The densest cells are few; what is meant to be seen is the shape of the rest.
    let sorted = values.sorted(), most = sorted.isEmpty ? 0 : sorted[(sorted.count - 1) * 995 / 1000]
    let peak = most > 0 ? most : (sorted.last ?? 0)
    var runs: [(row: Int, columns: Range<Int>)] = []
    for row in 0..<rows {
      var start: Int?
      for column in 0...columns {
        let inside =
          column < columns
          && self.band(min(values[row * columns + column], peak), most: peak) == band
        if inside, start == nil { start = column }
        if !inside, let first = start {
          runs.append((row, first..<column))
          start = nil
        }
      }
    }
    return runs
  }
}
