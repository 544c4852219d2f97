// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// The memory of tensors: aligned for vector loads, shared, never written after it is filled.
///
/// Safe to share: `base` is written only inside the initialiser of the tensor that owns it.
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

/// How much memory the tensors of this process hold.
public enum TensorMemory {
  /// Bytes held by living tensors now.
  public static var currentBytes: Int { BufferPool.shared.statistics.current }
  /// The most bytes that living tensors have held at once since the last reset.
  public static var peakBytes: Int { BufferPool.shared.statistics.peak }
  /// Makes `peakBytes` start again from what is held now.
  public static func resetPeak() { BufferPool.shared.resetPeak() }
}

/// Keeps freed blocks for reuse: fresh memory from the system costs a page fault every 4 KiB, more
/// than most kernels take to fill it.
final class BufferPool: Sendable {
  static let shared = BufferPool()
  private static let alignment = 64
  private static let hugePage = 2 << 20

  /// Safe to send: a block in the pool has no other owner.
  private struct Block: @unchecked Sendable { let base: UnsafeMutablePointer<Float> }

  private struct State {
    var free: [Int: [Block]] = [:]
    var current = 0
    var peak = 0
  }

  private let state = Mutex(State())

  var statistics: (current: Int, peak: Int) { state.withLock { ($0.current, $0.peak) } }

  func resetPeak() { state.withLock { $0.peak = $0.current } }

  /// Rounds up to a multiple of an eighth of a power of two, so that blocks of like size are exchanged
  /// and at most an eighth is wasted.
  static func capacity(for count: Int) -> Int {
    let least = max(count, 16)
    let step = max(16, (1 << (Int.bitWidth - 1 - least.leadingZeroBitCount)) / 8)
    return (least + step - 1) / step * step
  }

  func take(_ capacity: Int) -> UnsafeMutablePointer<Float> {
    let block = state.withLock { state in
      state.current += capacity * MemoryLayout<Float>.stride
      state.peak = max(state.peak, state.current)
      return state.free[capacity]?.popLast()
    }
    return block?.base ?? Self.allocate(capacity)
  }

  /// Large blocks lie on huge pages where the system has them: a page of 4 KiB costs a fault and a translation.
  private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<Float> {
    let byteCount = capacity * MemoryLayout<Float>.stride, isLarge = byteCount >= hugePage
    let block = UnsafeMutableRawPointer.allocate(
      byteCount: byteCount, alignment: isLarge ? hugePage : alignment)
    if isLarge { madvise(block, byteCount, MADV_HUGEPAGE) }
    return block.bindMemory(to: Float.self, capacity: capacity)
  }

  func give(_ base: UnsafeMutablePointer<Float>, _ capacity: Int) {
    let block = Block(base: base)
    state.withLock { state in
      state.current -= capacity * MemoryLayout<Float>.stride
      state.free[capacity, default: []].append(block)
    }
  }
}
