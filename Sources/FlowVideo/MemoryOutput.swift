// SPDX-License-Identifier: Apache-2.0

internal import CFFmpeg

/// The sole owner of an `AVIOContext` that cannot seek and collects what is written in memory.
struct MemoryOutput: ~Copyable {
  let context: UnsafeMutablePointer<AVIOContext>
  private let collector: Collector

  init() throws(VideoError) {
    let collector = Collector()
    let size: Int32 = 1 << 16
    let buffer = try avAllocate("av_malloc") { av_malloc(Int(size)) }
    context = try avAllocate("avio_alloc_context") {
      let made = avio_alloc_context(
        buffer.assumingMemoryBound(to: UInt8.self), size, 1,
        // The callback only runs inside calls of a muxer that `self`, and so the collector, outlives.
        Unmanaged.passUnretained(collector).toOpaque(), nil, collect, nil)
      if made == nil { av_free(buffer) }
      return made
    }
    self.collector = collector
  }

  deinit {
    // The context may have replaced the buffer that it was made with.
    av_free(context.pointee.buffer)
    var owned: UnsafeMutablePointer<AVIOContext>? = context
    avio_context_free(&owned)
  }

  /// Flushes, and takes all bytes written since the last call.
  func take() -> [UInt8] {
    avio_flush(context)
    defer { collector.bytes = [] }
    return collector.bytes
  }
}

/// Where the write callback puts its bytes.
private final class Collector {
  var bytes: [UInt8] = []
}

/// `write_packet` of the `AVIOContext`.
private func collect(
  _ opaque: UnsafeMutableRawPointer?, _ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int32
) -> Int32 {
  guard let opaque else { return flow_averror(EINVAL) }
  let collector = Unmanaged<Collector>.fromOpaque(opaque).takeUnretainedValue()
  collector.bytes.append(contentsOf: UnsafeBufferPointer(start: bytes, count: Int(count)))
  return count
}
