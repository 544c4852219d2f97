// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

extension SafetensorsFile {
  /// A copy of a tensor stored as F32 or BF16, checked against its digest, its shape and being finite.
  ///
  /// Takes the memory of the tensor and, where it is stored as BF16, of its bytes for the time of the call. Throws
  /// `CheckpointError` that names the tensor, also when the file becomes shorter meanwhile.
  public func tensor(_ name: String, shape: Shape) throws(CheckpointError) -> Tensor {
    let stored = try entry(name)
    let type: StoredType = stored.type == .bfloat16 ? .bfloat16 : .float32
    let entry = try entry(name, type: type, shape: shape.extents)
    let tensor = type == .bfloat16 ? try widened(entry, shape) : try copied(entry, shape)
    guard tensor.isFinite else {
      throw CheckpointError(
        .notFinite, path: path, tensor: name, "holds a number that is not finite; train or fetch it again")
    }
    return tensor
  }

  private func copied(_ entry: Entry, _ shape: Shape) throws(CheckpointError) -> Tensor {
    var outcome = Result<Void, CheckpointError>.success(())
    let tensor = Tensor(shape) { elements in
      let room = UnsafeMutableRawBufferPointer(start: elements, count: entry.byteCount)
      outcome = Result { () throws(CheckpointError) in try copy(entry, into: room) }
    }
    try outcome.get()
    return tensor
  }

  private func widened(_ entry: Entry, _ shape: Shape) throws(CheckpointError) -> Tensor {
    var halves = [UInt16](repeating: 0, count: entry.elementCount)
    let outcome = halves.withUnsafeMutableBytes { room in
      Result { () throws(CheckpointError) in try copy(entry, into: room) }
    }
    try outcome.get()
    return halves.withUnsafeBufferPointer { Tensor(bfloat16: $0, shape: shape) }
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
