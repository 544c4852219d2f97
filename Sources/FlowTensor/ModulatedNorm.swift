// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// The extents of what is shared by all tokens of a batch row: x [batch…, tokens, channels], shared
/// [batch…, channels].
struct TokenShape {
  let batch: Int
  let tokens: Int
  let channels: Int

  init(_ x: Shape, _ shared: Shape, in operation: String) {
    precondition(
      x.rank >= 2 && shared.extents == Array(x.extents.dropLast(2)) + [x[-1]],
      "\(operation): modulation \(shared) does not fit x \(x)")
    (batch, tokens, channels) = (x.extents.dropLast(2).reduce(1, *), x[-2], x[-1])
  }

  /// Tokens of a batch row that one index of a kernel handles.
  private var grain: Int { max(1, min(tokens, elementGrain / max(channels, 1))) }

  /// Pieces that a batch row is cut into: more than one only for long rows.
  var pieces: Int { tokens == 0 ? 1 : (tokens + grain - 1) / grain }

  /// Calls `body` on all cores for whole batch rows, or for pieces of them where they are long.
  ///
  /// - Parameter body: takes the number of batch rows and of tokens in each, and where they start: the first
  ///   element of x, the first shared element, and the first element of sums over pieces [batch, pieces, channels].
  func forEachPiece(_ body: (_ batch: Int, _ tokens: Int, _ x: Int, _ shared: Int, _ piece: Int) -> Void) {
    if pieces == 1 {
      return Team.split(batch, grain: max(1, elementGrain / max(tokens * channels, 1))) { rows in
        let shared = rows.lowerBound * channels
        body(rows.count, tokens, shared * tokens, shared, shared)
      }
    }
    Team.run(batch * pieces) { index in
      let row = index / pieces, first = index % pieces * grain
      body(
        1, min(grain, tokens - first), (row * tokens + first) * channels, row * channels, index * channels)
    }
  }

  /// What `body` of ``forEachPiece`` writes for each piece.
  func sums() -> Tensor { Tensor([batch, pieces, channels]) { _ in } }

  /// The sums over pieces as sums over tokens of shape `shape`.
  func total(_ sums: Tensor, _ shape: Shape) -> Tensor {
    (pieces == 1 ? sums : sums.sum(axis: 1)).reshaped(shape)
  }
}

extension Tensor {
  /// (x − mean)/√(var + ε)·(offset + scale) + shift over the last axis, one scale and shift for all tokens of a
  /// batch row.
  public static func modulatedNorm(
    _ x: Tensor, scale: Tensor, shift: Tensor, epsilon: Float, offset: Float = 1
  ) -> Tensor {
    let s = TokenShape(x.shape, scale.shape, in: "modulatedNorm")
    precondition(
      shift.shape == scale.shape, "modulatedNorm: scale \(scale.shape) and shift \(shift.shape) differ")
    return Tensor(x.shape) { result in
      s.forEachPiece { batch, tokens, first, row, _ in
        flow_modulated_norm(
          batch, tokens, s.channels, epsilon, offset, x.pointer + first, scale.pointer + row,
          shift.pointer + row, result + first)
      }
    }
  }

  /// The gradients of `modulatedNorm` with respect to x, scale and shift.
  public static func modulatedNormGradient(
    _ x: Tensor, scale: Tensor, cotangent: Tensor, epsilon: Float, offset: Float = 1
  ) -> (x: Tensor, scale: Tensor, shift: Tensor) {
    let s = TokenShape(x.shape, scale.shape, in: "modulatedNormGradient")
    check(cotangent, like: x, in: "modulatedNormGradient")
    let dscale = s.sums(), dshift = s.sums()
    let dx = Tensor(x.shape) { result in
      s.forEachPiece { batch, tokens, first, row, piece in
        flow_modulated_norm_gradient(
          batch, tokens, s.channels, epsilon, offset, x.pointer + first, scale.pointer + row,
          cotangent.pointer + first, result + first, dscale.storage.base + piece,
          dshift.storage.base + piece)
      }
    }
    return (dx, s.total(dscale, scale.shape), s.total(dshift, scale.shape))
  }

  /// The tangent of `modulatedNorm` along tangents of x, scale and shift, in one pass; those of scale and shift
  /// may be left out together.
  public static func modulatedNormTangent(
    _ x: Tensor, scale: Tensor, tangent: Tensor, modulation: (scale: Tensor, shift: Tensor)?, epsilon: Float,
    offset: Float = 1
  ) -> Tensor {
    let s = TokenShape(x.shape, scale.shape, in: "modulatedNormTangent")
    check(tangent, like: x, in: "modulatedNormTangent")
    if let modulation {
      check(modulation.scale, like: scale, in: "modulatedNormTangent")
      check(modulation.shift, like: scale, in: "modulatedNormTangent")
    }
    return Tensor(x.shape) { result in
      s.forEachPiece { batch, tokens, first, row, _ in
        flow_modulated_norm_tangent(
          batch, tokens, s.channels, epsilon, offset, x.pointer + first, scale.pointer + row,
          tangent.pointer + first, modulation.map { $0.scale.pointer + row },
          modulation.map { $0.shift.pointer + row }, result + first)
      }
    }
  }

  /// The gradients of `modulatedNormTangent` with respect to x, the tangent of x, scale, and the tangents of scale and
  /// shift where there are any.
  public static func modulatedNormTangentGradient(
    _ x: Tensor, scale: Tensor, tangent: Tensor, scaleTangent: Tensor?, cotangent: Tensor, epsilon: Float,
    offset: Float = 1
  ) -> (x: Tensor, tangent: Tensor, scale: Tensor, modulation: (scale: Tensor, shift: Tensor)?) {
    let s = TokenShape(x.shape, scale.shape, in: "modulatedNormTangentGradient")
    check(tangent, like: x, in: "modulatedNormTangentGradient")
    check(cotangent, like: x, in: "modulatedNormTangentGradient")
    if let scaleTangent { check(scaleTangent, like: scale, in: "modulatedNormTangentGradient") }
    let gscale = s.sums(), modulation = scaleTangent.map { _ in (scale: s.sums(), shift: s.sums()) }
    let gdx = Tensor(x.shape) { _ in }
    let gx = Tensor(x.shape) { result in
      s.forEachPiece { batch, tokens, first, row, piece in
        flow_modulated_norm_tangent_gradient(
          batch, tokens, s.channels, epsilon, offset, x.pointer + first, scale.pointer + row,
          tangent.pointer + first, scaleTangent.map { $0.pointer + row }, cotangent.pointer + first,
          result + first, gdx.storage.base + first, gscale.storage.base + piece,
          modulation.map { $0.scale.storage.base + piece }, modulation.map { $0.shift.storage.base + piece })
      }
    }
    let total = { (sums: Tensor) in s.total(sums, scale.shape) }
    return (gx, gdx, total(gscale), modulation.map { (total($0.scale), total($0.shift)) })
  }

  /// Refuses a derivative of another shape than what it belongs to.
  static func check(_ derivative: Tensor, like x: Tensor, in operation: String) {
    precondition(
      derivative.shape == x.shape,
      "\(operation): derivative \(derivative.shape) of what has shape \(x.shape)")
  }
}
