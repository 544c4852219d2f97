// SPDX-License-Identifier: Apache-2.0

import FlowCheckpoint
import Foundation
import Testing

/// Lends the path of a new, empty folder and removes it afterwards.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: "flow-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path())
}

/// The names of what is in a folder, sorted.
func contents(of folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
}

/// The bytes of a file.
func bytes(of path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path))) }

/// Writes bytes as they are, without the code under test.
func store(_ bytes: [UInt8], at path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }

/// A file's bytes from a header's text, written with `'` for `"`, and what follows it.
func safetensors(_ header: String, data: Int = 0) -> [UInt8] {
  let text = Array(header.replacingOccurrences(of: "'", with: "\"").utf8)
  return withUnsafeBytes(of: UInt64(text.count).littleEndian) { [UInt8]($0) } + text
    + [UInt8](repeating: 7, count: data)
}

/// The error that opening these bytes as a file throws; nil if they are accepted.
func errorOpening(_ bytes: [UInt8]) throws -> CheckpointError? {
  try withFolder { folder in
    try store(bytes, at: folder + "/file")
    do throws(CheckpointError) {
      _ = try SafetensorsFile(path: folder + "/file")
      return nil
    } catch {
      return error
    }
  }
}
