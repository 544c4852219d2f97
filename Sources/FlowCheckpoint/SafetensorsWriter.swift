// SPDX-License-Identifier: Apache-2.0

internal import FlowDigest

/// Gathers tensors and writes them as one safetensors file.
///
/// The file is a function of what was added: tensors stand by falling element size, then name, so that each
/// is aligned; the header's keys are sorted. The metadata get a SHA-256 of each tensor's bytes, which
/// `SafetensorsFile.verify` checks.
public struct SafetensorsWriter {
  /// Lends a tensor's bytes to the function it is given, once a call.
  public typealias Lender = (_ borrow: (UnsafeRawBufferPointer) -> Void) -> Void

  private struct Tensor {
    let name: String
    let type: StoredType
    let shape: [Int]
    let byteCount: Int
    let lend: Lender
  }

  private var tensors: [Tensor] = []

  /// A writer with no tensors yet.
  public init() {}

  /// The metadata key that holds the digest of a tensor's bytes.
  static func digestKey(_ name: String) -> String { "sha256:\(name)" }

  /// Adds a tensor whose bytes (little-endian, row-major) are borrowed when the file is written.
  ///
  /// The name must be new and the shape possible.
  public mutating func add(_ name: String, type: StoredType, shape: [Int], bytes: @escaping Lender) {
    precondition(!tensors.contains { $0.name == name }, "tensor '\(name)' was added before")
    guard let count = type.byteCount(ofShape: shape) else {
      preconditionFailure("tensor '\(name)' cannot have the shape \(shape)")
    }
    tensors.append(Tensor(name: name, type: type, shape: shape, byteCount: count, lend: bytes))
  }

  /// Adds a tensor from an array of its elements, row-major.
  public mutating func add<Element: StoredElement>(_ name: String, shape: [Int], _ elements: [Element]) {
    add(name, type: Element.storedType, shape: shape) { borrow in elements.withUnsafeBytes(borrow) }
  }

  /// Writes the file, whole or not at all; a file of that name is replaced. Throws `.unwritable`.
  public func write(to path: String, metadata: [String: String] = [:]) throws(CheckpointError) {
    let ordered = tensors.sorted { ($1.type.byteCount, $0.name) < ($0.type.byteCount, $1.name) }
    let head: [UInt8]
    do {
      head = try header(of: ordered, metadata: metadata).encoded()
    } catch {
      throw CheckpointError(.unwritable, path: path, "cannot encode the header: \(error); check the names")
    }
    var file = try AtomicFile(path: path)
    try file.append(head)
    for tensor in ordered {
      var outcome = Result<Void, CheckpointError>.success(())
      borrow(tensor) { bytes in
        outcome = Result { () throws(CheckpointError) in try file.append(bytes) }
      }
      try outcome.get()
    }
    try file.commit()
  }

  private func header(of ordered: [Tensor], metadata: [String: String]) -> SafetensorsHeader {
    var header = SafetensorsHeader(metadata: metadata)
    var offset = 0
    for tensor in ordered {
      header.tensors[tensor.name] = SafetensorsHeader.Record(
        dtype: tensor.type.rawValue, shape: tensor.shape, dataOffsets: [offset, offset + tensor.byteCount])
      offset += tensor.byteCount
      var digest = SHA256()
      borrow(tensor) { digest.update($0) }
      header.metadata[Self.digestKey(tensor.name)] = digest.hexadecimal()
    }
    return header
  }

  private func borrow(_ tensor: Tensor, _ body: (UnsafeRawBufferPointer) -> Void) {
    tensor.lend { bytes in
      precondition(
        bytes.count == tensor.byteCount,
        "tensor '\(tensor.name)' takes \(tensor.byteCount) bytes and lent \(bytes.count)")
      body(bytes)
    }
  }
}
