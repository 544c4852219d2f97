// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels
internal import Glibc
internal import Synchronization

/// How much memory the tensors of this process hold.
public enum TensorMemory {
  /// Bytes held by living tensors now.
  public static var currentBytes: Int { BufferPool.shared.statistics.current }
  /// The most bytes that living tensors have held at once since the last reset.
  public static var peakBytes: Int { BufferPool.shared.statistics.peak }
  /// Bytes of freed tensors that are kept for new ones.
  public static var unusedBytes: Int { BufferPool.shared.statistics.unused }
  /// Makes `peakBytes` start again from what is held now.
  public static func resetPeak() { BufferPool.shared.resetPeak() }
  /// Gives what no living tensor holds back to the system: after work whose like will not come again.
  public static func releaseUnused() { BufferPool.shared.releaseUnused() }
}

/// Keeps freed blocks for reuse: fresh memory from the system costs a page fault every 4 KiB, more
/// than most kernels take to fill it.
///
/// What is kept is bounded: a block that has to be fetched from the system replaces unused ones of other sizes as soon
/// as living and unused blocks together pass five quarters of the most that lived at once.
final class BufferPool: Sendable {
  static let shared = BufferPool()
  private static let alignment = 64
  /// Blocks of this many bytes and more lie on huge pages, where the system has them.
  private static let hugePage = 1 << 21

  /// Safe to send: a block in the pool has no other owner.
  private struct Block: @unchecked Sendable { let base: UnsafeMutablePointer<Float> }

  private struct State {
    var free: [Int: [Block]] = [:]
    var current = 0
    var peak = 0
    /// Since the beginning, whatever was reset.
    var highest = 0
    var unused = 0
  }

  private let state = Mutex(State())

  var statistics: (current: Int, peak: Int, unused: Int) {
    state.withLock { ($0.current, $0.peak, $0.unused) }
  }

  func resetPeak() { state.withLock { $0.peak = $0.current } }

  /// Rounds up to a multiple of an eighth of a power of two, so that blocks of like size are exchanged
  /// and at most an eighth is wasted.
  static func capacity(for count: Int) -> Int {
    let least = max(count, 16)
    let step = max(16, (1 << (Int.bitWidth - 1 - least.leadingZeroBitCount)) / 8)
    return (least + step - 1) / step * step
  }

  private static func bytes(_ capacity: Int) -> Int { capacity * MemoryLayout<Float>.stride }

  func take(_ capacity: Int) -> UnsafeMutablePointer<Float> {
    let bytes = Self.bytes(capacity)
    let (block, surplus) = state.withLock { state -> (Block?, [Block]) in
      state.current += bytes
      state.peak = max(state.peak, state.current)
      state.highest = max(state.highest, state.current)
      if let block = state.free[capacity]?.popLast() {
        state.unused -= bytes
        return (block, [])
      }
      return (nil, state.unused == 0 ? [] : Self.surplus(&state))
    }
    Self.release(surplus)
    return block?.base ?? Self.allocate(capacity)
  }

  func give(_ base: UnsafeMutablePointer<Float>, _ capacity: Int) {
    let block = Block(base: base), bytes = Self.bytes(capacity)
    state.withLock { state in
      state.current -= bytes
      state.unused += bytes
      state.free[capacity, default: []].append(block)
    }
  }

  func releaseUnused() {
    let blocks = state.withLock { state in
      defer { (state.free, state.unused) = ([:], 0) }
      return state.free.values.flatMap { $0 }
    }
    Self.release(blocks)
    flow_trim_heap()
  }

  /// Takes the largest unused blocks out until the rest is within bounds.
  private static func surplus(_ state: inout State) -> [Block] {
    var surplus: [Block] = []
    let bound = state.highest + state.highest / 4
    for capacity in state.free.keys.sorted(by: >) {
      while state.current + state.unused > bound, let block = state.free[capacity]?.popLast() {
        state.unused -= bytes(capacity)
        surplus.append(block)
      }
    }
    return surplus
  }

  private static func release(_ blocks: [Block]) {
    for block in blocks { UnsafeMutableRawPointer(block.base).deallocate() }
  }

  private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<Float> {
    let bytes = bytes(capacity), isHuge = bytes >= hugePage
    let base = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: isHuge ? hugePage : alignment)
    // A wish: without huge pages the memory is as good, only slower to walk.
    if isHuge { _ = madvise(base, bytes, MADV_HUGEPAGE) }
    return base.bindMemory(to: Float.self, capacity: capacity)
  }
}
