// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// A function of one number, applied to each element.
public enum UnaryFunction: Int32, CaseIterable, Sendable {
  case negate, exp, log, sqrt, reciprocalSqrt, square, tanh, sigmoid, silu, gelu, sine, cosine, reciprocal,
    absolute
  /// −1, 0 or 1; 0 for NaN.
  case sign
  /// log(1 + eˣ).
  case softplus
  /// log(1 + x), precise near 0.
  case logOnePlus
  /// eˣ − 1, precise near 0.
  case expMinusOne
  /// The largest whole number that is not above x.
  case floor
}

/// A function of two numbers, applied to each pair of elements.
public enum BinaryFunction: Int32, CaseIterable, Sendable {
  case add, subtract, multiply, divide, maximum
  /// x·silu′(y).
  case siluGradient
  /// x·gelu′(y).
  case geluGradient
  case minimum
  /// 1 where x > y, else 0.
  case greater
  /// 1 where x = y, else 0.
  case equal
  /// The angle of the point (y, x) in −π…π: atan2(x, y).
  case arctangent
  /// x·silu″(y).
  case siluCurvature
  /// x·gelu″(y).
  case geluCurvature
}

extension Tensor {
  /// `function` of each element.
  public func map(_ function: UnaryFunction) -> Tensor {
    Tensor(shape) { result in
      Team.split(count, grain: elementGrain) { range in
        flow_unary(function.rawValue, range.count, pointer + range.lowerBound, result + range.lowerBound)
      }
    }
  }

  /// `scale`·x + `shift` of each element.
  public func affine(scale: Float, shift: Float = 0) -> Tensor {
    Tensor(shape) { result in
      Team.split(count, grain: elementGrain) { range in
        flow_affine(range.count, scale, shift, pointer + range.lowerBound, result + range.lowerBound)
      }
    }
  }

  /// x raised to `exponent`, element by element.
  public func power(_ exponent: Float) -> Tensor {
    Tensor(shape) { result in
      Team.split(count, grain: elementGrain) { range in
        flow_power(range.count, exponent, pointer + range.lowerBound, result + range.lowerBound)
      }
    }
  }

  /// x, but at least `lower` and at most `upper`; NaN stays NaN.
  public func clamped(_ lower: Float, _ upper: Float) -> Tensor {
    Tensor(shape) { result in
      Team.split(count, grain: elementGrain) { range in
        flow_clamp(range.count, lower, upper, pointer + range.lowerBound, result + range.lowerBound)
      }
    }
  }

  /// x where `condition` is not 0, else y, with broadcasting; what is not chosen may be infinite or NaN.
  public static func select(_ condition: Tensor, _ x: Tensor, _ y: Tensor) -> Tensor {
    let pair = x.shape.broadcast(with: y.shape, in: "select")
    let shape = condition.shape.broadcast(with: pair, in: "select")
    let c = condition.broadcast(to: shape)
    let x = x.count == 1 ? x : x.broadcast(to: shape), y = y.count == 1 ? y : y.broadcast(to: shape)
    let xStep = x.count == 1 ? 0 : 1, yStep = y.count == 1 ? 0 : 1
    return Tensor(shape) { result in
      Team.split(shape.count, grain: elementGrain) { range in
        let first = range.lowerBound
        flow_select(
          range.count, c.pointer + first, x.pointer + first * xStep, xStep, y.pointer + first * yStep, yStep,
          result + first)
      }
      withExtendedLifetime((c, x, y)) {}
    }
  }

  /// `function` of each pair of elements, with broadcasting.
  public static func combine(_ function: BinaryFunction, _ x: Tensor, _ y: Tensor) -> Tensor {
    let shape = x.shape.broadcast(with: y.shape, in: "\(function)")
    return Tensor(shape) { result in
      let loops = BroadcastLoops(shape, x.shape, y.shape)
      loops.forEachBlock { kernel, first, xStart, yStart in
        var kernel = kernel
        flow_binary(function.rawValue, &kernel, x.pointer + xStart, y.pointer + yStart, result + first)
      }
    }
  }
}
