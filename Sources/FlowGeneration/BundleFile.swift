// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowDigest
internal import FoundationEssentials

/// Why a bundle cannot be used: a stable code and a message that ends with the remedy.
public struct BundleError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The closed list of causes.
  public enum Code: String, Sendable {
    /// There is no such bundle.
    case missing
    /// The manifest is not one.
    case badManifest
    /// The weights file is damaged or does not fit the manifest.
    case badWeights
  }

  /// The cause, for programs.
  public let code: Code
  /// The cause and the remedy, for people.
  public let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}

/// Files that every kind of bundle has.
enum BundleFile {
  /// Reads a manifest.
  static func decode<Manifest: Decodable>(
    _ type: Manifest.Type, _ path: String, kind: String
  ) throws(BundleError) -> Manifest {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw BundleError(.missing, "\(path) cannot be read; name a folder that holds a bundle")
    }
    do {
      return try JSONDecoder().decode(type, from: data)
    } catch {
      throw BundleError(
        .badManifest, "\(path) is not \(kind) (\(error)); make the bundle again with flowtrain")
    }
  }

  /// Writes a manifest, whole or not at all.
  static func encode(_ manifest: some Encodable, to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try AtomicFile.write(Array(encoder.encode(manifest)) + [0x0A], to: path)
  }

  /// SHA-256 of a file.
  static func digest(_ path: String) throws(BundleError) -> String {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw BundleError(.badWeights, "\(path) cannot be read; check its permissions")
    }
    var hash = SHA256()
    data.withUnsafeBytes { hash.update($0) }
    return hash.hexadecimal()
  }
}
