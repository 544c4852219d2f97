// SPDX-License-Identifier: Apache-2.0

/// The memory of tensors: aligned for vector loads, shared, not written after it is filled.
///
/// Safe to share: `base` is written only inside the initialiser of the tensor that owns it, and by the optimiser
/// while one tensor alone refers to it.
final class Storage: @unchecked Sendable {
  let base: UnsafeMutablePointer<Float>
  private let capacity: Int

  /// Takes uninitialised memory for `count` elements.
  init(count: Int) {
    capacity = BufferPool.capacity(for: count)
    base = BufferPool.shared.take(capacity)
  }

  deinit { BufferPool.shared.give(base, capacity) }
}
