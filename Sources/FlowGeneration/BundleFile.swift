// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
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

  /// The name of the bundle in a folder.
  static func name(_ folder: String) -> String { String(folder.split(separator: "/").last ?? "") }

  /// The weights file of the bundle in a folder.
  static func weights(_ folder: String) -> String { "\(folder)/weights.safetensors" }

  /// Bytes of the weights file of the bundle in a folder, of which the header is read and checked, and no more.
  static func weightsByteCount(_ folder: String) throws(BundleError) -> Int {
    do throws(CheckpointError) {
      return try SafetensorsFile(path: weights(folder)).byteCount
    } catch {
      throw BundleError(.badWeights, "\(error)")
    }
  }

  /// Throws unless the weights file of a bundle is the one that its manifest names.
  static func check(
    _ sha256: String, recorded: String, folder: String, manifest: String
  ) throws(BundleError) {
    guard sha256 == recorded else {
      throw BundleError(
        .badWeights,
        "\(weights(folder)) has the digest \(sha256), and \(manifest) names \(recorded); take both files of one bundle"
      )
    }
  }
}
