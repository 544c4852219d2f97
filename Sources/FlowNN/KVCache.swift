// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// The keys and values of the frames that a stream can still see, of fixed capacity.
///
/// The first `sink` frames stay; after them the last `window` frames share a ring, the newest in the place of the one
/// that has left the window. Keys are stored rotated by their absolute time, so their order does not matter. A frame
/// that is evaluated several times writes the same slots each time. Take it when the window is bounded: a step costs
/// the same at frame 100 and at frame 100,000, and nothing is allocated after the start.
struct KVCache {
  let heads: HeadCaches
  private let window: Int
  private let sink: Int
  private let tokens: Int

  init(_ c: CausalTransformerConfiguration, precision: InferencePrecision) {
    window = c.window
    sink = c.sink
    tokens = c.tokens
    heads = HeadCaches(
      layers: c.layers, heads: c.heads, width: c.width / c.heads, tokens: (c.window + c.sink) * c.tokens,
      precision: precision)
  }

  private init(copying other: KVCache) {
    (window, sink, tokens) = (other.window, other.sink, other.tokens)
    heads = other.heads.copy()
  }

  /// A cache of the same contents in memory of its own.
  func copy() -> KVCache { KVCache(copying: self) }

  /// Where the tokens of frame `frame` start.
  func start(of frame: Int) -> Int { (frame < sink ? frame : sink + (frame - sink) % window) * tokens }

  /// Tokens that frame `frame` sees, its own included: all that have been written and not overwritten.
  func visible(from frame: Int) -> Int { min(frame + 1, sink + window) * tokens }
}

extension CausalTransformerConfiguration {
  /// Bytes that the cache of one stream holds.
  public func cacheByteCount(_ precision: InferencePrecision) -> Int {
    HeadCaches.byteCount(
      layers: layers, heads: heads, width: width / heads, tokens: (window + sink) * tokens,
      precision: precision)
  }
}
