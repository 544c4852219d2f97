// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// The keys and values of the frames that a stream can still see, of fixed capacity.
///
/// The first `sink` frames stay; after them the last `window` frames share a ring, the newest in the place of the one
/// that has left the window. Keys are stored rotated by their absolute time, so their order does not matter. A frame
/// that is evaluated several times writes the same slots each time. Take it when the window is bounded: a step costs
/// the same at frame 100 and at frame 100,000, and nothing is allocated after the start.
public final class KVCache {
  /// Frames in the ring, the one being generated included.
  public let window: Int
  /// First frames that never leave.
  public let sink: Int
  private let tokens: Int
  private var keys: [RowBuffer]
  private var values: [RowBuffer]

  /// An empty cache for `layers` layers of frames of `tokens` tokens and `width` channels.
  public init(layers: Int, tokens: Int, width: Int, window: Int, sink: Int) {
    self.window = window
    self.sink = sink
    self.tokens = tokens
    let rows = (window + sink) * tokens
    keys = (0..<layers).map { _ in RowBuffer(rows: rows, width: width) }
    values = (0..<layers).map { _ in RowBuffer(rows: rows, width: width) }
  }

  /// Bytes held by a cache of this shape.
  public static func byteCount(layers: Int, tokens: Int, width: Int, window: Int, sink: Int) -> Int {
    2 * layers * (window + sink) * tokens * width * MemoryLayout<Float>.stride
  }

  /// Writes the keys and values [tokens, width] of frame `frame` and returns those that it sees, its own included.
  ///
  /// The result is valid until the next call for the same layer.
  func update(layer: Int, frame: Int, keys newKeys: Tensor, values newValues: Tensor) -> (Tensor, Tensor) {
    let slot = frame < sink ? frame : sink + (frame - sink) % window
    let visible = min(frame + 1, sink + window) * tokens
    keys[layer].write(newKeys, at: slot * tokens)
    values[layer].write(newValues, at: slot * tokens)
    return (keys[layer].first(visible), values[layer].first(visible))
  }
}
