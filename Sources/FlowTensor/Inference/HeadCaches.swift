// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// The keys and values of every head of every layer that one stream attends to, of fixed capacity.
///
/// Not Sendable: one stream owns it. Nothing is allocated after the start.
package final class HeadCaches {
  private let heads: Int
  private let width: Int
  private let memory: Workspace
  private let caches: UnsafeMutablePointer<flow_head_cache>
  private let count: Int
  private let layout: Layout

  /// Empty caches of `layers` layers of `heads` heads of `width` channels, with room for `tokens` tokens.
  package convenience init(layers: Int, heads: Int, width: Int, tokens: Int, precision: InferencePrecision) {
    let layout = Layout(width: width, tokens: tokens, precision: precision)
    self.init(
      heads: heads, width: width, count: layers * heads, layout,
      in: Workspace(byteCount: layers * heads * layout.byteCount))
  }

  private init(heads: Int, width: Int, count: Int, _ layout: Layout, in memory: Workspace) {
    self.heads = heads
    self.width = width
    self.count = count
    self.layout = layout
    self.memory = memory
    caches = .allocate(capacity: count)
    for index in 0..<count {
      let base = UnsafeMutableRawPointer(memory.bytes + index * layout.byteCount)
      let scales = (base + 2 * layout.matrixBytes).bindMemory(to: Float.self, capacity: 2 * layout.capacity)
      let offsets = (base + 2 * layout.matrixBytes + 8 * layout.capacity)
        .bindMemory(to: Int32.self, capacity: layout.capacity)
      (caches + index).initialize(
        to: flow_head_cache(
          precision: layout.precision.kernel, width: layout.width, keys: base,
          values: base + layout.matrixBytes,
          key_scale: scales, value_scale: scales + layout.capacity, key_offset: offsets))
    }
  }

  deinit { caches.deallocate() }

  /// Caches of the same contents in memory of their own.
  package func copy() -> HeadCaches {
    HeadCaches(heads: heads, width: width, count: count, layout, in: Workspace(copying: memory))
  }

  /// Bytes that the caches hold.
  package var byteCount: Int { count * layout.byteCount }

  /// Bytes that caches of this shape hold.
  package static func byteCount(
    layers: Int, heads: Int, width: Int, tokens: Int, precision: InferencePrecision
  ) -> Int {
    layers * heads * Layout(width: width, tokens: tokens, precision: precision).byteCount
  }

  /// The widest head that the kernels take.
  package static let mostWidth = Int(FLOW_ATTENTION_MOST_WIDTH)
  /// Queries that one call of `attend` takes at most.
  package static let mostQueries = Int(FLOW_ATTENTION_QUERIES)

  /// Writes keys and values of `rows` tokens from `token` on, all heads side by side in a row.
  package func write(
    layer: Int, token: Int, rows: Int, keys: UnsafePointer<Float>, keyStride: Int,
    values: UnsafePointer<Float>, valueStride: Int
  ) {
    walk(heads) { head in
      flow_head_cache_write(
        caches + layer * heads + head, token, rows, width, keys + head * width, keyStride,
        values + head * width, valueStride)
    }
  }

  /// softmax(q·kᵀ/√width)·v of one head over the first `visible` tokens, for `rows` queries.
  package func attend(
    layer: Int, head: Int, visible: Int, rows: Int, queries: UnsafePointer<Float>, queryStride: Int,
    into output: UnsafeMutablePointer<Float>, outputStride: Int
  ) {
    let start = head * width
    flow_attend(
      caches + layer * heads + head, visible, rows, width, 1 / Float(width).squareRoot(), queries + start,
      queryStride, output + start, outputStride)
  }

  /// The keys and values of the first `tokens` tokens of a layer as the kernels see them, [tokens, heads, width] each.
  package func read(layer: Int, tokens: Int) -> (keys: Tensor, values: Tensor) {
    let keys = Tensor([tokens, heads, width]) { _ in }, values = Tensor([tokens, heads, width]) { _ in }
    for token in 0..<tokens {
      for head in 0..<heads {
        let place = (token * heads + head) * width
        flow_head_cache_read(
          caches + layer * heads + head, token, width, keys.storage.base + place,
          values.storage.base + place)
      }
    }
    return (keys, values)
  }

  /// What one head takes: two matrices, then a scale a key, a scale a value and an offset a key.
  private struct Layout {
    let precision: InferencePrecision
    let width: Int
    let capacity: Int
    let matrixBytes: Int

    init(width: Int, tokens: Int, precision: InferencePrecision) {
      precondition(width <= HeadCaches.mostWidth, "HeadCaches: heads of \(width) channels")
      self.precision = precision
      self.width = padded(width, to: 8)
      capacity = padded(tokens, to: Int(FLOW_ATTENTION_KEYS))
      matrixBytes = flow_head_cache_bytes(precision.kernel, self.width, capacity)
    }

    var byteCount: Int { 2 * matrixBytes + 12 * capacity }
  }
}
