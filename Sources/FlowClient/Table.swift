// SPDX-License-Identifier: Apache-2.0

/// Columns of text, each as wide as its widest cell.
public struct Table: Sendable {
  private var rows: [[String]]

  /// A table with a head.
  public init(_ head: [String]) { rows = [head] }

  /// Adds a row.
  public mutating func append(_ row: [String]) { rows.append(row) }

  /// The rows, one a line, without white space at the ends of lines.
  public var text: String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { line($0, widths) }.joined(separator: "\n")
  }

  private func line(_ row: [String], _ widths: [Int]) -> String {
    let cells = row.enumerated().map { index, cell in
      index == row.count - 1
        ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
    }
    let line = cells.joined(separator: "  ")
    return String(line.reversed().drop { $0 == " " }.reversed())
  }
}
