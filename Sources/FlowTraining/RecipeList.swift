// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// The recipes in some folders.
public struct RecipeList {
  /// A recipe and what it says of itself.
  public struct Entry: Sendable, Equatable {
    /// Its file.
    public var path: String
    /// One sentence.
    public var summary: String
  }

  /// All of them, by folder and name. A YAML file with a name and a summary is one; one that cannot be
  /// read says why.
  public let entries: [Entry]

  /// Looks in folders, and in those within them.
  public init(folders: [String]) {
    entries = folders.flatMap { Self.files(in: $0) }.compactMap { path in
      do {
        let file = try RecipeFile(path: path)
        guard file.has("name"), let summary = file.text(of: "summary") else { return nil }
        return Entry(path: path, summary: summary)
      } catch {
        return Entry(path: path, summary: "cannot be read: \(error)")
      }
    }
  }

  private static func files(in folder: String) -> [String] {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    return names.flatMap { name -> [String] in
      let path = "\(folder)/\(name)"
      var isFolder = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return [] }
      return isFolder ? files(in: path) : name.hasSuffix(".yaml") ? [path] : []
    }
  }
}
