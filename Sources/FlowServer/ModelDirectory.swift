// SPDX-License-Identifier: Apache-2.0

public import FlowGeneration
internal import Glibc

/// The models of a folder: each subfolder with a `model.json` is one, and its name is the model's.
public struct ModelDirectory: ModelCatalogue {
  /// The folder.
  public let path: String
  private let load: @Sendable (String) throws -> any VideoModel

  /// The models of the folder at `path`.
  ///
  /// - Parameters:
  ///   - load: loads the model of the subfolder whose path it is given.
  public init(_ path: String, load: @escaping @Sendable (String) throws -> any VideoModel) {
    self.path = path
    self.load = load
  }

  /// The names of all subfolders that hold a model, sorted; none if the folder cannot be read.
  public func names() -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix("."), access("\(path)/\(name)/model.json", R_OK) == 0 { names.append(name) }
    }
    return names.sorted()
  }

  /// Loads a model of the folder.
  public func load(_ name: String) throws -> any VideoModel { try load("\(path)/\(name)") }
}
