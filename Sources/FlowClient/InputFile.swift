// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// Reads a file that the command line names.
///
/// - Throws: ``ClientError`` of kind `usage`, naming the file.
public func readFile(_ path: String) throws(ClientError) -> [UInt8] {
  guard let contents = FileManager.default.contents(atPath: path) else {
    throw ClientError(.usage, "cannot read \(path)")
  }
  return Array(contents)
}
