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
    let tensor = withBytes(of: entry) { bytes in
      type == .bfloat16
        ? Tensor(bfloat16: bytes.bindMemory(to: UInt16.self), shape: shape)
        : Tensor(Array(bytes.bindMemory(to: Float.self)), shape: shape)
    }
    guard tensor.isFinite else {
      throw CheckpointError(
        .notFinite, path: path, tensor: name, "holds a number that is not finite; train or fetch it again")
    }
    return tensor
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
