// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// A function of one number, applied to each element.
public enum UnaryFunction: Int32, CaseIterable, Sendable {
  case negate, exp, log, sqrt, reciprocalSqrt, square, tanh, sigmoid, silu, gelu, sine, cosine, reciprocal,
    absolute
  /// −1, 0 or 1; 0 for NaN.
  case sign
}

/// A function of two numbers, applied to each pair of elements.
public enum BinaryFunction: Int32, CaseIterable, Sendable {
  case add, subtract, multiply, divide, maximum
  /// x·silu′(y).
  case siluGradient
  /// x·gelu′(y).
  case geluGradient
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

  /// `function` of each pair of elements, with broadcasting.
  public static func combine(_ function: BinaryFunction, _ x: Tensor, _ y: Tensor) -> Tensor {
    let shape = x.shape.broadcast(with: y.shape, in: "\(function)")
    return Tensor(shape) { result in
      let loops = BroadcastLoops(shape, x.shape, y.shape)
      loops.forEachBlock { outer, extent, xStart, yStart in
        flow_binary(
          function.rawValue, extent, x.pointer + xStart, loops.xStrides, y.pointer + yStart, loops.yStrides,
          result + outer)
      }
    }
  }
}

/// The loops of a binary operation: axes that both operands walk alike are merged; the innermost three are
/// the kernel's, those outside it are walked here.
private struct BroadcastLoops {
  var extents: [Int] = []
  var x: [Int] = []
  var y: [Int] = []

  init(_ shape: Shape, _ left: Shape, _ right: Shape) {
    let leftStrides = Self.strides(left, in: shape), rightStrides = Self.strides(right, in: shape)
    for axis in 0..<shape.rank where shape[axis] != 1 {
      let extent = shape[axis], xStride = leftStrides[axis], yStride = rightStrides[axis]
      if let last = extents.indices.last, x[last] == xStride * extent, y[last] == yStride * extent {
        extents[last] *= extent
        x[last] = xStride
        y[last] = yStride
      } else {
        extents.append(extent)
        x.append(xStride)
        y.append(yStride)
      }
    }
    while extents.count < 3 {
      extents.insert(1, at: 0)
      x.insert(0, at: 0)
      y.insert(0, at: 0)
    }
  }

  private static func strides(_ operand: Shape, in shape: Shape) -> [Int] {
    let extents = operand.padded(to: shape.rank)
    let own = [Int](repeating: 0, count: shape.rank - operand.rank) + operand.strides
    return zip(extents, own).map { $0 == 1 ? 0 : $1 }
  }

  private var inner: Int { extents.count - 3 }
  var xStrides: [Int] { Array(x[inner...]) }
  var yStrides: [Int] { Array(y[inner...]) }

  /// Calls `body(first result element, kernel extents, first x element, first y element)` for blocks
  /// that together are the whole result.
  func forEachBlock(_ body: (Int, [Int], Int, Int) -> Void) {
    let kernel = Array(extents[inner...])
    let block = kernel.reduce(1, *)
    let outerCount = extents[..<inner].reduce(1, *)
    for outer in 0..<outerCount {
      var rest = outer, xStart = 0, yStart = 0
      for axis in (0..<inner).reversed() {
        xStart += rest % extents[axis] * x[axis]
        yStart += rest % extents[axis] * y[axis]
        rest /= extents[axis]
      }
      splitKernel(kernel, outer * block, xStart, yStart, body)
    }
  }

  /// Splits the outermost kernel axis that is longer than one among the team.
  private func splitKernel(
    _ kernel: [Int], _ start: Int, _ xStart: Int, _ yStart: Int, _ body: (Int, [Int], Int, Int) -> Void
  ) {
    let axis = kernel.firstIndex { $0 > 1 } ?? 2
    let below = kernel[(axis + 1)...].reduce(1, *)
    Team.split(kernel[axis], grain: max(1, elementGrain / max(below, 1))) { range in
      var extent = kernel
      extent[axis] = range.count
      body(
        start + range.lowerBound * below, extent, xStart + range.lowerBound * x[inner + axis],
        yStart + range.lowerBound * y[inner + axis])
    }
  }
}
