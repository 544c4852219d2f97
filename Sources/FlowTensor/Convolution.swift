// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// A square kernel over pictures, channels last, zero padding.
public struct Convolution2D: Hashable, Sendable {
  /// Extent of the kernel in both directions.
  public let kernel: Int
  /// Step of the kernel in both directions.
  public let stride: Int
  /// Zeros around the picture.
  public let padding: Int

  /// A convolution with this geometry.
  public init(kernel: Int, stride: Int = 1, padding: Int) {
    precondition(
      kernel > 0 && stride > 0 && padding >= 0, "Convolution2D: kernel, stride, padding out of range")
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
  }

  /// The result's extent along an axis of `extent` pixels.
  public func output(_ extent: Int) -> Int { (extent + 2 * padding - kernel) / stride + 1 }
}

/// The extents of a convolution: pictures [batch, height, width, input] and weights
/// [output, kernel, kernel, input].
private struct ConvolutionShape {
  let batch: Int
  let height: Int
  let width: Int
  let input: Int
  let output: Int
  let rows: Int
  let columns: Int
  let geometry: Convolution2D

  init(_ pictures: Shape, _ weights: Shape, _ geometry: Convolution2D) {
    precondition(
      pictures.rank == 4 && weights.rank == 4 && pictures[3] == weights[3] && weights[1] == geometry.kernel
        && weights[2] == geometry.kernel,
      "convolution: pictures \(pictures) and weights \(weights) do not fit a kernel of \(geometry.kernel)")
    precondition(
      min(pictures[1], pictures[2]) + 2 * geometry.padding >= geometry.kernel,
      "convolution: pictures \(pictures) are smaller than a kernel of \(geometry.kernel) padded by \(geometry.padding)"
    )
    (batch, height, width, input) = (pictures[0], pictures[1], pictures[2], pictures[3])
    output = weights[0]
    rows = geometry.output(height)
    columns = geometry.output(width)
    self.geometry = geometry
  }

  var result: Shape { [batch, rows, columns, output] }
  var positions: Int { rows * columns }
  var patch: Int { geometry.kernel * geometry.kernel * input }
  var pixels: Int { height * width * input }

  func check(cotangent: Shape) {
    precondition(cotangent == result, "convolution: cotangent \(cotangent) for a result of shape \(result)")
  }

  func unfold(_ picture: UnsafePointer<Float>, into patches: UnsafeMutablePointer<Float>) {
    flow_unfold(height, width, input, geometry.kernel, geometry.stride, geometry.padding, picture, patches)
  }

  func fold(_ patches: UnsafePointer<Float>, into picture: UnsafeMutablePointer<Float>) {
    flow_fold(height, width, input, geometry.kernel, geometry.stride, geometry.padding, patches, picture)
  }
}

/// Each picture is unfolded into a cache-sized matrix of patches, and the rest is a matrix product.
extension Tensor {
  /// y[b, i, j, o] = Σ w[o, ky, kx, c] · x[b, i·stride + ky − padding, …, c] + bias[o].
  public static func convolution(
    _ pictures: Tensor, _ weights: Tensor, bias: Tensor? = nil, _ geometry: Convolution2D
  ) -> Tensor {
    let s = ConvolutionShape(pictures.shape, weights.shape, geometry)
    precondition(
      bias == nil || bias!.shape == [s.output],
      "convolution: bias \(bias!.shape) for weights \(weights.shape)")
    return Tensor(s.result) { result in
      Team.run(s.batch) { b in
        let patches = Storage(count: s.positions * s.patch)
        s.unfold(pictures.pointer + b * s.pixels, into: patches.base)
        let y = result + b * s.positions * s.output
        gemm(
          s.positions, s.output, s.patch, Matrix(base: patches.base, stride: s.patch),
          Matrix(base: weights.pointer, stride: s.patch, transposed: true), into: y, stride: s.output)
        if let bias { flow_add_bias(s.positions, s.output, bias.pointer, y) }
        withExtendedLifetime(patches) {}
      }
    }
  }

  /// The gradient with respect to pictures of shape `shape`: the transposed convolution of `cotangent`.
  public static func convolutionInputGradient(
    _ cotangent: Tensor, _ weights: Tensor, _ geometry: Convolution2D, shape: Shape
  ) -> Tensor {
    let s = ConvolutionShape(shape, weights.shape, geometry)
    s.check(cotangent: cotangent.shape)
    return Tensor(shape) { result in
      Team.run(s.batch) { b in
        let patches = Storage(count: s.positions * s.patch)
        gemm(
          s.positions, s.patch, s.output,
          Matrix(base: cotangent.pointer + b * s.positions * s.output, stride: s.output),
          Matrix(base: weights.pointer, stride: s.patch), into: patches.base, stride: s.patch)
        let picture = result + b * s.pixels
        picture.initialize(repeating: 0, count: s.pixels)
        s.fold(patches.base, into: picture)
        withExtendedLifetime(patches) {}
      }
    }
  }

  /// The gradient with respect to weights of shape `shape`.
  ///
  /// Pictures are dealt to a fixed number of partial sums, so the result does not depend on the team.
  public static func convolutionWeightGradient(
    _ pictures: Tensor, _ cotangent: Tensor, _ geometry: Convolution2D, shape: Shape
  ) -> Tensor {
    let s = ConvolutionShape(pictures.shape, shape, geometry)
    s.check(cotangent: cotangent.shape)
    let parts = max(1, min(s.batch, 8))
    let partial = Tensor([parts, shape.count]) { partial in
      Team.run(parts) { part in
        let sum = partial + part * shape.count
        sum.initialize(repeating: 0, count: shape.count)
        let patches = Storage(count: s.positions * s.patch)
        for b in stride(from: part, to: s.batch, by: parts) {
          s.unfold(pictures.pointer + b * s.pixels, into: patches.base)
          gemm(
            s.output, s.patch, s.positions,
            Matrix(
              base: cotangent.pointer + b * s.positions * s.output, stride: s.output, transposed: true),
            Matrix(base: patches.base, stride: s.patch), beta: 1, into: sum, stride: s.patch)
        }
        withExtendedLifetime(patches) {}
      }
    }
    return partial.sum(axis: 0).reshaped(shape)
  }
}
