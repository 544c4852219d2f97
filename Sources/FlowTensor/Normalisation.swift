// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// The extents of a modulated normalisation: x [batch…, tokens, channels], scale and shift
/// [batch…, channels].
private struct ModulatedShape {
  let batch: Int
  let tokens: Int
  let channels: Int

  init(_ x: Shape, _ modulation: Shape, in operation: String) {
    precondition(
      x.rank >= 2 && modulation.extents == Array(x.extents.dropLast(2)) + [x[-1]],
      "\(operation): modulation \(modulation) does not fit x \(x)")
    (batch, tokens, channels) = (modulation.count / max(x[-1], 1), x[-2], x[-1])
  }

  var grain: Int { max(1, elementGrain / max(tokens * channels, 1)) }
}

extension Tensor {
  /// (x − mean)/√(var + ε)·(1 + scale) + shift over the last axis, one scale and shift for all tokens of a batch row.
  public static func modulatedNorm(_ x: Tensor, scale: Tensor, shift: Tensor, epsilon: Float) -> Tensor {
    let s = ModulatedShape(x.shape, scale.shape, in: "modulatedNorm")
    precondition(
      shift.shape == scale.shape, "modulatedNorm: scale \(scale.shape) and shift \(shift.shape) differ")
    return Tensor(x.shape) { result in
      Team.split(s.batch, grain: s.grain) { range in
        let token = range.lowerBound * s.tokens * s.channels, row = range.lowerBound * s.channels
        flow_modulated_norm(
          range.count, s.tokens, s.channels, epsilon, x.pointer + token, scale.pointer + row,
          shift.pointer + row,
          result + token)
      }
    }
  }

  /// The gradients of `modulatedNorm` with respect to x, scale and shift.
  public static func modulatedNormGradient(
    _ x: Tensor, scale: Tensor, cotangent: Tensor, epsilon: Float
  ) -> (x: Tensor, scale: Tensor, shift: Tensor) {
    let s = ModulatedShape(x.shape, scale.shape, in: "modulatedNormGradient")
    check(cotangent, like: x, in: "modulatedNormGradient")
    let dscale = Tensor(scale.shape) { _ in }, dshift = Tensor(scale.shape) { _ in }
    let dx = Tensor(x.shape) { result in
      Team.split(s.batch, grain: s.grain) { range in
        let token = range.lowerBound * s.tokens * s.channels, row = range.lowerBound * s.channels
        flow_modulated_norm_gradient(
          range.count, s.tokens, s.channels, epsilon, x.pointer + token, scale.pointer + row,
          cotangent.pointer + token, result + token, dscale.storage.base + row, dshift.storage.base + row)
      }
    }
    return (dx, dscale, dshift)
  }

  /// x/√(mean x² + ε)·weight over the last axis.
  public static func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float) -> Tensor {
    let channels = x.shape[-1], rows = x.count / max(channels, 1)
    precondition(weight.shape == [channels], "rmsNorm: weight \(weight.shape) for x \(x.shape)")
    return Tensor(x.shape) { result in
      Team.split(rows, grain: max(1, elementGrain / max(channels, 1))) { range in
        let first = range.lowerBound * channels
        flow_rms_norm(range.count, channels, epsilon, x.pointer + first, weight.pointer, result + first)
      }
    }
  }

  /// The gradients of `rmsNorm` with respect to x and weight.
  public static func rmsNormGradient(
    _ x: Tensor, weight: Tensor, cotangent: Tensor, epsilon: Float
  ) -> (x: Tensor, weight: Tensor) {
    let channels = x.shape[-1], rows = x.count / max(channels, 1)
    precondition(weight.shape == [channels], "rmsNormGradient: weight \(weight.shape) for x \(x.shape)")
    check(cotangent, like: x, in: "rmsNormGradient")
    let grain = max(1, elementGrain / max(channels, 1))
    let blocks = (rows + grain - 1) / grain
    let partial = Tensor.zeros([blocks, channels])
    let dx = Tensor(x.shape) { result in
      Team.run(blocks) { block in
        let first = block * grain
        flow_rms_norm_gradient(
          min(grain, rows - first), channels, epsilon, x.pointer + first * channels, weight.pointer,
          cotangent.pointer + first * channels, result + first * channels,
          partial.storage.base + block * channels)
      }
    }
    return (dx, partial.sum(axis: 0))
  }

  /// x + gate·y, one gate for all tokens of a batch row.
  public static func gatedAdd(_ x: Tensor, gate: Tensor, _ y: Tensor) -> Tensor {
    let s = ModulatedShape(x.shape, gate.shape, in: "gatedAdd")
    precondition(x.shape == y.shape, "gatedAdd: shapes \(x.shape) and \(y.shape) differ")
    return Tensor(x.shape) { result in
      Team.split(s.batch, grain: s.grain) { range in
        let token = range.lowerBound * s.tokens * s.channels
        flow_gated_add(
          range.count, s.tokens, s.channels, x.pointer + token, gate.pointer + range.lowerBound * s.channels,
          y.pointer + token, result + token)
      }
    }
  }

  /// The gradients of `gatedAdd` with respect to gate and y; that of x is the cotangent itself.
  public static func gatedAddGradient(
    gate: Tensor, _ y: Tensor, cotangent: Tensor
  ) -> (gate: Tensor, y: Tensor) {
    let s = ModulatedShape(y.shape, gate.shape, in: "gatedAddGradient")
    check(cotangent, like: y, in: "gatedAddGradient")
    let dgate = Tensor(gate.shape) { _ in }
    let dy = Tensor(y.shape) { result in
      Team.split(s.batch, grain: s.grain) { range in
        let token = range.lowerBound * s.tokens * s.channels, row = range.lowerBound * s.channels
        flow_gated_add_gradient(
          range.count, s.tokens, s.channels, gate.pointer + row, y.pointer + token, cotangent.pointer + token,
          result + token, dgate.storage.base + row)
      }
    }
    return (dgate, dy)
  }
  /// Refuses a cotangent of another shape than the result, which is that of `x`.
  static func check(_ cotangent: Tensor, like x: Tensor, in operation: String) {
    precondition(
      cotangent.shape == x.shape,
      "\(operation): cotangent \(cotangent.shape) for a result of shape \(x.shape)")
  }
}
