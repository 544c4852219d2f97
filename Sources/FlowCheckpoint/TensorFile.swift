// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

extension SafetensorsFile {
  /// A tensor stored as F32 or BF16, checked against its digest, its shape and being finite.
  ///
  /// Throws `CheckpointError` that names the tensor.
  public func tensor(_ name: String, shape: Shape) throws(CheckpointError) -> Tensor {
    let stored = try entry(name)
    let type: StoredType = stored.type == .bfloat16 ? .bfloat16 : .float32
    let entry = try entry(name, type: type, shape: shape.extents)
    try verify(entry)
    let tensor =
      type == .bfloat16
      ? words(of: entry).withUnsafeBufferPointer { Tensor(bfloat16: $0, shape: shape) }
      : Tensor(array(of: entry), shape: shape)
    guard tensor.isFinite else {
      throw CheckpointError(
        .notFinite, path: path, tensor: name, "holds a number that is not finite; train or fetch it again")
    }
    return tensor
  }
}

extension SafetensorsFile {
  /// A copy of a tensor's 16-bit elements, which may stand at an odd address in files by other writers.
  private func words(of entry: Entry) -> [UInt16] {
    withBytes(of: entry) { bytes in
      [UInt16](unsafeUninitializedCapacity: entry.elementCount) { buffer, count in
        UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
        count = entry.elementCount
      }
    }
  }
}

extension SafetensorsWriter {
  /// Adds a tensor as F32.
  public mutating func add(_ name: String, _ tensor: Tensor) {
    add(name, type: .float32, shape: tensor.shape.extents) { borrow in
      tensor.withElements { borrow(UnsafeRawBufferPointer($0)) }
    }
  }

  /// Adds a tensor rounded to BF16.
  public mutating func add(bfloat16 tensor: Tensor, _ name: String) {
    add(name, type: .bfloat16, shape: tensor.shape.extents) { borrow in
      tensor.bfloat16.withUnsafeBytes(borrow)
    }
  }
}
