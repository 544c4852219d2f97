// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The models of a folder: each subfolder with a manifest is one, and its name is the model's.
public struct ModelDirectory: ModelCatalogue {
  /// The folder.
  public let path: String
  private let manifest: String
  private let describe: @Sendable (String) throws -> ServedModelDescription
  private let load: @Sendable (String) throws -> ServedModel

  /// The models of the folder at `path`.
  ///
  /// - Parameters:
  ///   - manifest: the name of the file that makes a subfolder a model.
  ///   - describe: says what the model of the subfolder is whose path it is given, without loading it.
  ///   - load: loads the model of the subfolder whose path it is given.
  public init(
    _ path: String, manifest: String,
    describe: @escaping @Sendable (String) throws -> ServedModelDescription,
    load: @escaping @Sendable (String) throws -> ServedModel
  ) {
    self.describe = describe
    self.path = path
    self.manifest = manifest
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
      if !name.hasPrefix("."), access("\(path)/\(name)/\(manifest)", R_OK) == 0 { names.append(name) }
    }
    return names.sorted()
  }

  /// What a model of the folder is.
  public func describe(_ name: String) throws -> ServedModelDescription { try describe("\(path)/\(name)") }

  /// Loads a model of the folder.
  public func load(_ name: String) throws -> ServedModel { try load("\(path)/\(name)") }
}

/// The models of several folders under one roof.
public struct ModelDirectories: ModelCatalogue {
  /// The folders.
  public let folders: [ModelDirectory]

  /// The models of some folders.
  public init(_ folders: [ModelDirectory]) { self.folders = folders }

  /// The names of all models of all folders, sorted.
  public func names() -> [String] { Set(folders.flatMap { $0.names() }).sorted() }

  /// What the model of a name is, which only one folder may have.
  public func describe(_ name: String) throws -> ServedModelDescription { try owner(of: name).describe(name) }

  /// Loads the model of a name, which only one folder may have.
  public func load(_ name: String) throws -> ServedModel { try owner(of: name).load(name) }

  private func owner(of name: String) throws(AmbiguousModel) -> ModelDirectory {
    let owners = folders.filter { $0.names().contains(name) }
    guard owners.count < 2 else {
      throw AmbiguousModel(
        description:
          "\(owners.map { "\($0.path)/\(name)" }.joined(separator: " and ")) have one name; rename one")
    }
    guard let owner = owners.first else {
      throw AmbiguousModel(
        description:
          "none of \(folders.map(\.path).joined(separator: ", ")) holds \(name) any more; put it back")
    }
    return owner
  }
}

/// A name that stands for no model, or for more than one.
private struct AmbiguousModel: Error, CustomStringConvertible {
  let description: String
}
