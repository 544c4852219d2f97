// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowCheckpoint
internal import FoundationEssentials

/// Puts tables between the two lines of a Markdown file that say `<!-- marker -->`.
func replaceTable(in path: String, marker: String, with text: String) throws {
  let line = "<!-- \(marker) -->"
  let whole = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
  let parts = whole.split(separator: line, omittingEmptySubsequences: false)
  guard parts.count == 3 else {
    throw ValidationError("\(path) needs two lines that say \(line), between which the tables go")
  }
  let changed = [String(parts[0]), "\n\(text)", String(parts[2])].joined(separator: line)
  try AtomicFile.write(Array(changed.utf8), to: path)
}
