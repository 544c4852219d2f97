// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// The JSON object at the head of a safetensors file, as written there and not yet believed.
///
/// A file is: the header's length as a little-endian 64-bit number; the header, JSON padded with spaces;
/// the tensors' bytes, little-endian and row-major. Offsets count from the end of the header.
/// Source: https://github.com/huggingface/safetensors#format
struct SafetensorsHeader {
  /// The longest header that is accepted, as in the reference implementation.
  static let longest = 100_000_000
  /// The bytes that hold the header's length.
  static let prefixCount = 8

  var metadata: [String: String] = [:]
  var tensors: [String: Record] = [:]

  /// One tensor's line.
  struct Record: Codable {
    var dtype: String
    var shape: [Int]
    var dataOffsets: [Int]

    enum CodingKeys: String, CodingKey {
      case dtype, shape
      case dataOffsets = "data_offsets"
    }
  }

  /// The header's key for what is not a tensor.
  private static let metadataKey = "__metadata__"

  /// Why a tensor's line could not be decoded; the decoder's own errors do not always say which it was.
  private struct BadRecord: Error {
    let tensor: String
    let cause: any Error
  }

  /// A key that is a tensor's name.
  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}

extension SafetensorsHeader: Codable {
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    for key in container.allKeys {
      if key.stringValue == Self.metadataKey {
        metadata = try container.decode([String: String].self, forKey: key)
      } else {
        do {
          tensors[key.stringValue] = try container.decode(Record.self, forKey: key)
        } catch {
          throw BadRecord(tensor: key.stringValue, cause: error)
        }
      }
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Name.self)
    try container.encode(metadata, forKey: Name(stringValue: Self.metadataKey))
    for (name, record) in tensors { try container.encode(record, forKey: Name(stringValue: name)) }
  }
}

extension SafetensorsHeader {
  /// Reads the header at the start of a file. Throws `.truncated` or `.badHeader`.
  ///
  /// - Returns: the header and where the tensors' bytes begin.
  static func read(_ file: MappedFile, path: String) throws(CheckpointError) -> (Self, Int) {
    guard file.count >= prefixCount else {
      throw CheckpointError(
        .truncated, path: path, "\(file.count) bytes are no header; fetch or make the file again")
    }
    let prefix = try file.read(0..<prefixCount)
    let length = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= longest else {
      throw CheckpointError(
        .badHeader, path: path,
        "a header of \(length) bytes is over \(longest); this is not a safetensors file")
    }
    let dataStart = prefixCount + Int(length)
    guard dataStart <= file.count else {
      throw CheckpointError(
        .truncated, path: path,
        "ends after \(file.count) bytes, within its header of \(length); fetch or make it again")
    }
    let text = Data(try file.read(prefixCount..<dataStart))
    do {
      return (try JSONDecoder().decode(Self.self, from: text), dataStart)
    } catch {
      let record = error as? BadRecord
      throw CheckpointError(
        .badHeader, path: path, tensor: record?.tensor,
        "the header is not readable (\(explain(record?.cause ?? error))); "
          + "this is not a safetensors file, or a damaged one")
    }
  }

  /// The length and the header's text, padded so that the tensors' bytes begin at a multiple of eight.
  func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var text = [UInt8](try encoder.encode(self))
    while !text.count.isMultiple(of: 8) { text.append(UInt8(ascii: " ")) }
    return withUnsafeBytes(of: UInt64(text.count).littleEndian) { [UInt8]($0) } + text
  }

  /// A decoding error in a few words.
  private static func explain(_ error: any Error) -> String {
    switch error as? DecodingError {
    case .keyNotFound(let key, _): "no '\(key.stringValue)'"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      context.debugDescription
    default: "\(error)"
    }
  }
}
