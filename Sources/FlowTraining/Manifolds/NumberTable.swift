// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// Rows of numbers from a text file, one row a line.
///
/// Lines that begin with # are comments, and one line of names may stand in front of the first row. Any other line that is
/// not a row is an error that names it; empty lines are passed over.
struct NumberTable {
  /// The rows, each of the same length.
  let rows: [[Double]]
  /// The line that each row stands on, from 1.
  let lines: [Int]

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - columns: numbers that a row has.
  ///   - labels: columns of text in front of them.
  ///   - separator: what stands between columns.
  init(path: String, columns: Int, labels: Int = 0, separator: Character) throws {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw TrainingError(
        .unreadable, "\(path): cannot be read; fetch it with tools/get-data or set FLOW_DATA")
    }
    let text = String(decoding: data, as: UTF8.self)
    try self.init(text, path: path, columns: columns, labels: labels, separator: separator)
  }

  /// Parses the text of a file.
  init(_ text: String, path: String, columns: Int, labels: Int = 0, separator: Character) throws {
    var rows: [[Double]] = [], lines: [Int] = []
    var mayBeNames = labels == 0
    let text = text.hasPrefix("\u{FEFF}") ? text.dropFirst() : text[...]
    let all = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    for (index, line) in all.enumerated() {
      let parts = line.split(separator: separator, omittingEmptySubsequences: false)
        .map { $0.trimming(while: { $0 == " " || $0 == "\t" }) }
      if parts.allSatisfy(\.isEmpty) { continue }
      if parts[0].hasPrefix("#") { continue }
      defer { mayBeNames = false }
      if mayBeNames, parts.count == columns, parts.allSatisfy({ Double($0) == nil }) { continue }
      let numbers = parts.dropFirst(labels).compactMap { Double($0) }
      guard parts.count == labels + columns, numbers.count == columns else {
        throw TrainingError(
          .badData,
          "\(path), line \(index + 1): '\(line.prefix(60))' is not \(columns) numbers; mend or remove the line"
        )
      }
      guard numbers.allSatisfy(\.isFinite) else {
        throw TrainingError(
          .badData, "\(path), line \(index + 1): a number is not finite; mend or remove the line")
      }
      rows.append(numbers)
      lines.append(index + 1)
    }
    guard !rows.isEmpty else {
      throw TrainingError(.badData, "\(path): no line has \(columns) numbers; fetch the file anew")
    }
    (self.rows, self.lines) = (rows, lines)
  }
}

extension Substring {
  fileprivate func trimming(while isTrimmed: (Character) -> Bool) -> Substring {
    let front = drop(while: isTrimmed)
    guard let last = front.lastIndex(where: { !isTrimmed($0) }) else { return "" }
    return front[...last]
  }
}
