// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// Which keys a query may see.
public struct AttentionMask: Hashable, Sendable {
  /// Tokens of a frame; 0 when every key is visible to every query.
  public let tokensPerFrame: Int
  /// Frames that a query sees, its own included, beside the sink.
  public let window: Int
  /// First frames of the sequence that every later query sees.
  public let sink: Int

  /// Every key is visible.
  public static let none = AttentionMask(tokensPerFrame: 0, window: 0, sink: 0)

  /// A query sees its own frame and the `window − 1` frames before it, and the first `sink` frames.
  public static func blockCausal(tokensPerFrame: Int, window: Int, sink: Int) -> AttentionMask {
    precondition(tokensPerFrame > 0 && window > 0 && sink >= 0, "blockCausal: extents out of range")
    return AttentionMask(tokensPerFrame: tokensPerFrame, window: window, sink: sink)
  }

  /// Keys from which on nothing is visible to query rows below `row`.
  func visibleEnd(row: Int, keys: Int) -> Int {
    tokensPerFrame == 0 ? keys : min(keys, ((row - 1) / tokensPerFrame + 1) * tokensPerFrame)
  }
}

/// Scaled dot-product attention over [batch, tokens, heads, width], one (batch, head) pair a task. Scores
/// exist only for a block of queries at a time, so memory is linear in the length.
struct AttentionTask {
  let mask: AttentionMask
  let batch: Int
  let queries: Int
  let keys: Int
  let heads: Int
  let width: Int

  init(_ q: Shape, _ k: Shape, _ v: Shape, _ mask: AttentionMask) {
    precondition(
      q.rank == 4 && k == v && q[0] == k[0] && q[2] == k[2] && q[3] == k[3],
      "attention: queries \(q), keys \(k) and values \(v) do not fit")
    precondition(
      mask.tokensPerFrame == 0 || q[1] == k[1], "attention: a causal mask needs as many queries as keys")
    self.mask = mask
    (batch, queries, heads, width) = (q[0], q[1], q[2], q[3])
    keys = k[1]
  }

  private static let block = 192
  private var rowStride: Int { heads * width }
  private var scale: Float { 1 / Float(width).squareRoot() }

  func matrix(_ x: UnsafePointer<Float>, _ row: Int, transposed: Bool = false) -> Matrix {
    Matrix(base: x + row * rowStride, stride: rowStride, transposed: transposed)
  }

  /// Where (batch, head) starts in a tensor of `tokens` rows.
  func start(_ index: Int, tokens: Int) -> Int { index / heads * tokens * rowStride + index % heads * width }

  func forEachBlock(_ body: (_ rows: Range<Int>, _ visible: Int) -> Void) {
    for first in stride(from: 0, to: queries, by: Self.block) {
      let rows = first..<min(queries, first + Self.block)
      body(rows, mask.visibleEnd(row: rows.upperBound, keys: keys))
    }
  }

  var scratchCount: Int { min(Self.block, queries) * keys }

  /// Attention weights of a block of queries: softmax(q·kᵀ/√width) with masked entries 0.
  func weights(
    _ rows: Range<Int>, _ visible: Int, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>,
    into p: UnsafeMutablePointer<Float>
  ) {
    gemm(
      rows.count, visible, width, alpha: scale, matrix(q, rows.lowerBound), matrix(k, 0, transposed: true),
      into: p,
      stride: visible)
    flow_masked_softmax(
      rows.count, visible, visible, rows.lowerBound, mask.tokensPerFrame, mask.window, mask.sink, p)
  }

  func forward(
    _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ v: UnsafePointer<Float>,
    into o: UnsafeMutablePointer<Float>
  ) {
    let p = Storage(count: scratchCount)
    forEachBlock { rows, visible in
      weights(rows, visible, q, k, into: p.base)
      gemm(
        rows.count, width, visible, Matrix(base: p.base, stride: visible), matrix(v, 0),
        into: o + rows.lowerBound * rowStride, stride: rowStride)
    }
    withExtendedLifetime(p) {}
  }

  /// dv += pᵀ·do; dp = do·vᵀ; ds = p∘(dp − Σ p∘dp); dq = ds·k/√width; dk += dsᵀ·q/√width.
  func backward(
    _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ v: UnsafePointer<Float>,
    _ d: UnsafePointer<Float>,
    dq: UnsafeMutablePointer<Float>, dk: UnsafeMutablePointer<Float>, dv: UnsafeMutablePointer<Float>
  ) {
    let p = Storage(count: scratchCount), ds = Storage(count: scratchCount)
    forEachBlock { rows, visible in
      let first = rows.lowerBound
      weights(rows, visible, q, k, into: p.base)
      gemm(
        visible, width, rows.count, Matrix(base: p.base, stride: visible, transposed: true), matrix(d, first),
        beta: 1, into: dv, stride: rowStride)
      gemm(
        rows.count, visible, width, matrix(d, first), matrix(v, 0, transposed: true), into: ds.base,
        stride: visible)
      flow_softmax_gradient(rows.count, visible, visible, p.base, ds.base)
      gemm(
        rows.count, width, visible, alpha: scale, Matrix(base: ds.base, stride: visible), matrix(k, 0),
        into: dq + first * rowStride, stride: rowStride)
      gemm(
        visible, width, rows.count, alpha: scale, Matrix(base: ds.base, stride: visible, transposed: true),
        matrix(q, first), beta: 1, into: dk, stride: rowStride)
    }
    withExtendedLifetime((p, ds)) {}
  }
}

extension Tensor {
  /// softmax(q·kᵀ/√width, masked)·v over [batch, tokens, heads, width].
  public static func attention(_ q: Tensor, _ k: Tensor, _ v: Tensor, mask: AttentionMask) -> Tensor {
    let task = AttentionTask(q.shape, k.shape, v.shape, mask)
    return Tensor(q.shape) { result in
      Team.run(task.batch * task.heads) { index in
        let query = task.start(index, tokens: task.queries), key = task.start(index, tokens: task.keys)
        task.forward(q.pointer + query, k.pointer + key, v.pointer + key, into: result + query)
      }
    }
  }

  /// The gradients of `attention` with respect to queries, keys and values; weights are computed anew.
  public static func attentionGradient(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, cotangent: Tensor, mask: AttentionMask
  ) -> (q: Tensor, k: Tensor, v: Tensor) {
    let task = AttentionTask(q.shape, k.shape, v.shape, mask)
    check(cotangent, like: q, in: "attentionGradient")
    let dk = Tensor.zeros(k.shape), dv = Tensor.zeros(v.shape)
    let dq = Tensor(q.shape) { result in
      Team.run(task.batch * task.heads) { index in
        let query = task.start(index, tokens: task.queries), key = task.start(index, tokens: task.keys)
        task.backward(
          q.pointer + query, k.pointer + key, v.pointer + key, cotangent.pointer + query, dq: result + query,
          dk: dk.storage.base + key, dv: dv.storage.base + key)
      }
    }
    return (dq, dk, dv)
  }

  /// Rotates interleaved pairs of x [batch, tokens, heads, width] by angles given as cosines and sines
  /// [tokens, width/2]; `inverse` rotates back.
  public static func rotary(_ x: Tensor, cosine: Tensor, sine: Tensor, inverse: Bool = false) -> Tensor {
    precondition(
      x.shape.rank == 4 && x.shape[3] % 2 == 0 && cosine.shape == [x.shape[1], x.shape[3] / 2]
        && sine.shape == cosine.shape,
      "rotary: angles \(cosine.shape) do not fit x \(x.shape)")
    let (batch, tokens, heads, width) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    return Tensor(x.shape) { result in
      Team.run(batch) { b in
        let first = b * tokens * heads * width
        flow_rotary(
          1, tokens, heads, width, inverse ? -1 : 1, x.pointer + first, cosine.pointer, sine.pointer,
          result + first)
      }
    }
  }

  /// The softmax over the last axis.
  public func softmax() -> Tensor {
    let columns = shape[-1]
    return Tensor(shape) { result in
      Team.split(count / max(columns, 1), grain: max(1, elementGrain / max(columns, 1))) { range in
        let first = range.lowerBound * columns
        (result + first).initialize(from: pointer + first, count: range.count * columns)
        flow_masked_softmax(range.count, columns, columns, 0, 0, 0, 0, result + first)
      }
    }
  }
}
