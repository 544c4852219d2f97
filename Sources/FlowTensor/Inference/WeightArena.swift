// SPDX-License-Identifier: Apache-2.0

/// Memory for the packed weights of a network, layer after layer in the order in which a step reads them.
///
/// Chunks double, so that all but small networks lie in few, large blocks: those get huge pages, and a step walks its
/// weights without missing the translation of addresses.
package final class WeightArena {
  private var chunk: Workspace?
  private var used = 0
  private var capacity = 0
  private var total = 0

  /// An arena without memory.
  package init() {}

  /// An arena with memory for layers that take so many bytes together, and none to spare.
  package init(reserving byteCount: Int) {
    capacity = byteCount
    total = byteCount
    chunk = Workspace(byteCount: byteCount)
  }

  /// Bytes that something of `byteCount` bytes takes.
  static func size(_ byteCount: Int) -> Int { padded(byteCount, to: 64) }

  /// Zeros for `byteCount` bytes on a cache line of their own, and what keeps them alive.
  func take(_ byteCount: Int) -> (memory: Workspace, start: UnsafeMutableRawPointer) {
    let size = Self.size(byteCount)
    if chunk == nil || used + size > capacity {
      capacity = max(size, total)
      chunk = Workspace(byteCount: capacity)
      used = 0
      total += capacity
    }
    defer { used += size }
    return (chunk!, UnsafeMutableRawPointer(chunk!.bytes + used))
  }
}
