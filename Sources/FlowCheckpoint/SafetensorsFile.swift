// SPDX-License-Identifier: Apache-2.0

internal import FlowDigest

/// A safetensors file, memory-mapped and checked: what `init` accepts can be read without further doubt.
///
/// Opening reads only the header. Whether the tensors' bytes are those that were written is checked by
/// `verify`, which reads them all, and by `tensor(_:shape:)` on the copy that it makes.
public final class SafetensorsFile: Sendable {
  /// One tensor of a file.
  public struct Entry: Sendable, Equatable {
    /// The tensor's name.
    public let name: String
    /// The type of its elements.
    public let type: StoredType
    /// Its extents, outermost first.
    public let shape: [Int]
    /// Where its bytes stand in the file.
    let range: Range<Int>

    /// The number of its elements.
    public var elementCount: Int { range.count / type.byteCount }
    /// The number of its bytes.
    public var byteCount: Int { range.count }
  }

  /// The file, as it was named by the caller.
  public let path: String
  /// What the file says of itself, digests included.
  public let metadata: [String: String]
  /// The tensors' names, sorted.
  public let names: [String]

  private let file: MappedFile
  private let entries: [String: Entry]

  /// Opens and checks a file: its header, and that the tensors fill the rest of it without gap or overlap.
  ///
  /// Throws `.unreadable`, `.truncated`, `.badHeader` or `.badTensor`.
  public init(path: String) throws(CheckpointError) {
    file = try MappedFile(path: path)
    let (header, dataStart) = try SafetensorsHeader.read(file, path: path)
    self.path = path
    metadata = header.metadata
    names = header.tensors.keys.sorted()
    let layout = LayoutCheck(path: path, dataStart: dataStart, fileCount: file.count)
    entries = try layout.entries(of: header)
  }

  /// The tensor of a name. Throws `.missingTensor`.
  public func entry(_ name: String) throws(CheckpointError) -> Entry {
    guard let entry = entries[name] else {
      throw CheckpointError(
        .missingTensor, path: path, tensor: name,
        "not in this file of \(names.count) tensors; use a file made for this model")
    }
    return entry
  }

  /// The tensor of a name, which must have this type and shape. Throws `.missingTensor` or `.wrongShape`.
  public func entry(
    _ name: String, type: StoredType, shape: [Int]
  ) throws(CheckpointError) -> Entry {
    let entry = try entry(name)
    guard entry.type == type, entry.shape == shape else {
      throw CheckpointError(
        .wrongShape, path: path, tensor: name,
        "is \(entry.type.rawValue) \(entry.shape) and must be \(type.rawValue) \(shape); "
          + "use a file made for this model")
    }
    return entry
  }

  /// Lends a tensor's bytes: little-endian, row-major, and no longer than the call lasts.
  ///
  /// They are those of a map of the file, which nobody may make shorter meanwhile; `tensor(_:shape:)` minds that.
  /// Files by `SafetensorsWriter` align every tensor to its element type; others need not.
  public func withBytes<Result: ~Copyable, Failure>(
    of entry: Entry, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(entries[entry.name] == entry, "tensor '\(entry.name)' is not one of \(path)")
    return try body(UnsafeRawBufferPointer(rebasing: file.bytes[entry.range]))
  }

  /// A copy of a tensor's elements. The tensor must be of the element's type.
  public func array<Element: StoredElement>(
    of entry: Entry, as element: Element.Type = Element.self
  ) -> [Element] {
    precondition(
      entry.type == Element.storedType,
      "tensor '\(entry.name)' is \(entry.type.rawValue), not \(Element.self)")
    return withBytes(of: entry) { bytes in
      [Element](unsafeUninitializedCapacity: entry.elementCount) { buffer, count in
        UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
        count = entry.elementCount
      }
    }
  }
}

extension SafetensorsFile {
  /// Compares every tensor's bytes with the digest in the metadata. Throws as `verify(_:)` does.
  ///
  /// - Complexity: reads the whole file, a few hundred megabytes a second.
  public func verify() throws(CheckpointError) {
    for name in names { try verify(entry(name)) }
  }

  /// Compares a tensor's bytes with the digest in the metadata.
  ///
  /// Throws `.wrongDigest` or, for a file by another writer, `.missingDigest`.
  public func verify(_ entry: Entry) throws(CheckpointError) {
    let expected = try recordedDigest(of: entry)
    let found = try file.digest(entry.range)
    guard found == expected else { throw damaged(entry, found, expected) }
  }

  /// Copies a tensor's bytes, and compares the copy with the digest in the metadata: what is used is what was checked.
  ///
  /// Throws as `verify(_:)` does, and `.truncated` where the file has become shorter since it was opened.
  func copy(_ entry: Entry, into room: UnsafeMutableRawBufferPointer) throws(CheckpointError) {
    let expected = try recordedDigest(of: entry)
    try file.read(from: entry.range.lowerBound, into: room)
    var digest = SHA256()
    digest.update(UnsafeRawBufferPointer(room))
    let found = digest.hexadecimal()
    guard found == expected else { throw damaged(entry, found, expected) }
  }

  /// SHA-256 of the whole file, which it reads piece by piece.
  public func sha256() throws(CheckpointError) -> String { try file.digest(0..<file.count) }

  /// The bytes of the whole file.
  public var byteCount: Int { file.count }

  private func recordedDigest(of entry: Entry) throws(CheckpointError) -> String {
    let key = SafetensorsWriter.digestKey(entry.name)
    guard let expected = metadata[key] else {
      throw CheckpointError(
        .missingDigest, path: path, tensor: entry.name,
        "the metadata has no '\(key)'; write the file again with flowtrain")
    }
    return expected
  }

  private func damaged(_ entry: Entry, _ found: String, _ expected: String) -> CheckpointError {
    CheckpointError(
      .wrongDigest, path: path, tensor: entry.name,
      "its bytes are damaged (SHA-256 \(found) instead of \(expected)); fetch or make the file again")
  }
}
