// SPDX-License-Identifier: Apache-2.0

/// Memory that is taken once and overwritten at every step.
///
/// Not Sendable: one step at a time writes it. Counted in ``TensorMemory``.
package final class Workspace {
  private let storage: Storage
  private let count: Int

  /// The first of `count` floats, all zeros at the start.
  package let floats: UnsafeMutablePointer<Float>

  /// Takes memory for `count` floats.
  package init(count: Int) {
    storage = Storage(count: count)
    self.count = count
    floats = storage.base
    floats.initialize(repeating: 0, count: count)
  }

  /// Takes memory for what another holds, and copies it.
  package init(copying other: Workspace) {
    storage = Storage(count: other.count)
    count = other.count
    floats = storage.base
    floats.initialize(from: other.floats, count: count)
  }

  /// Bytes that were asked for.
  package var byteCount: Int { 4 * count }

  /// Takes memory for `byteCount` bytes.
  package convenience init(byteCount: Int) { self.init(count: (byteCount + 3) / 4) }

  /// The memory as bytes.
  package var bytes: UnsafeMutablePointer<UInt8> {
    UnsafeMutableRawPointer(floats).assumingMemoryBound(to: UInt8.self)
  }
}

/// Numbers that stay as they are, in memory of their own.
package final class ConstantVector: @unchecked Sendable {  // Safe: written in the initialiser alone.
  private let memory: Workspace
  /// The first number.
  package var floats: UnsafePointer<Float> { UnsafePointer(memory.floats) }

  /// Copies the elements of a tensor.
  package init(_ tensor: Tensor) {
    memory = Workspace(count: tensor.count)
    tensor.withElements { memory.floats.update(from: $0.baseAddress!, count: $0.count) }
  }
}
