// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// A file that is not there.
struct Missing: Error { let path: String }

/// The bytes of a file.
func contents(_ path: String) throws -> [UInt8] {
  guard let data = FileManager.default.contents(atPath: path) else { throw Missing(path: path) }
  return Array(data)
}

/// The files in a folder of the repository and in its folders whose names end so.
func repositoryFiles(_ folder: String, ending: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder).sorted().flatMap { name -> [String] in
    let path = "\(folder)/\(name)"
    var isFolder = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return [] }
    return isFolder ? try repositoryFiles(path, ending: ending) : name.hasSuffix(ending) ? [path] : []
  }
}
