// SPDX-License-Identifier: Apache-2.0

/// Memory that is taken once and overwritten at every step.
///
/// Not Sendable: one step at a time writes it. Counted in ``TensorMemory``.
package final class Workspace {
  private let storage: Storage

  /// The first of `count` floats, all zeros at the start.
  package let floats: UnsafeMutablePointer<Float>

  /// Takes memory for `count` floats.
  package init(count: Int) {
    storage = Storage(count: count)
    floats = storage.base
    floats.initialize(repeating: 0, count: count)
  }

  /// Takes memory for `byteCount` bytes.
  package convenience init(byteCount: Int) { self.init(count: (byteCount + 3) / 4) }

  /// The memory as bytes.
  package var bytes: UnsafeMutablePointer<UInt8> {
    UnsafeMutableRawPointer(floats).assumingMemoryBound(to: UInt8.self)
  }
}
