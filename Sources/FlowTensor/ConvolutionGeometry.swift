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

  package var geometry: ConvolutionGeometry {
    ConvolutionGeometry(
      kernel: [1, kernel, kernel], stride: [1, stride, stride], before: [0, padding, padding],
      after: [0, padding, padding])
  }
}

/// A kernel over videos, channels last, that sees no later frame: in time all zeros are put before the first.
public struct CausalConvolution3D: Hashable, Sendable {
  /// Frames that the kernel sees, the newest being the frame itself.
  public let timeKernel: Int
  /// Step of the kernel in time.
  public let timeStride: Int
  /// The kernel within a frame.
  public let picture: Convolution2D

  /// A convolution with this geometry.
  public init(timeKernel: Int, timeStride: Int = 1, picture: Convolution2D) {
    precondition(timeKernel > 0 && timeStride > 0, "CausalConvolution3D: kernel or stride out of range")
    self.timeKernel = timeKernel
    self.timeStride = timeStride
    self.picture = picture
  }

  package var geometry: ConvolutionGeometry { geometry(timePadding: timeKernel - 1) }

  /// The geometry with another number of zeros before the first frame.
  package func geometry(timePadding: Int) -> ConvolutionGeometry {
    ConvolutionGeometry(
      kernel: [timeKernel, picture.kernel, picture.kernel],
      stride: [timeStride, picture.stride, picture.stride],
      before: [timePadding, picture.padding, picture.padding], after: [0, picture.padding, picture.padding])
  }
}

/// What convolutions of pictures and of videos have in common, for the axes time, height and width.
package struct ConvolutionGeometry: Hashable, Sendable {
  let kernel: [Int]
  let stride: [Int]
  let before: [Int]
  let after: [Int]
}

/// The extents of a convolution: x [batch, height, width, input] with weights [output, kernel, kernel, input],
/// or x [batch, time, height, width, input] with weights [output, time, kernel, kernel, input].
struct ConvolutionShape {
  let batch: Int
  let input: Int
  let output: Int
  let source: [Int]
  let rows: [Int]
  let geometry: ConvolutionGeometry
  let result: Shape

  init(_ x: Shape, _ weights: Shape, _ geometry: ConvolutionGeometry) {
    let kernel = x.rank == 4 ? Array(geometry.kernel.dropFirst()) : geometry.kernel
    precondition(
      (x.rank == 4 && geometry.kernel[0] == 1 || x.rank == 5) && weights.rank == x.rank
        && weights.extents.dropFirst() == kernel + [x[-1]],
      "convolution: pictures \(x) and weights \(weights) do not fit a kernel of \(kernel)")
    (batch, input, output) = (x[0], x[-1], weights[0])
    source = (x.rank == 4 ? [1] : []) + x.extents.dropFirst().dropLast()
    for (axis, extent) in source.enumerated() {
      precondition(
        extent + geometry.before[axis] + geometry.after[axis] >= geometry.kernel[axis],
        "convolution: \(x) is smaller than a kernel of \(geometry.kernel[axis]) padded by \(geometry.before[axis])"
      )
    }
    rows = source.enumerated().map { axis, extent in
      (extent + geometry.before[axis] + geometry.after[axis] - geometry.kernel[axis]) / geometry.stride[axis]
        + 1
    }
    self.geometry = geometry
    result = Shape([batch] + (x.rank == 4 ? Array(rows.dropFirst()) : rows) + [output])
  }

  /// Elements of one picture or video.
  var sourceCount: Int { source.reduce(input, *) }
  /// Elements of one result.
  var resultCount: Int { rows.reduce(output, *) }
  /// Whether nothing is multiplied.
  var isEmpty: Bool { batch * sourceCount * resultCount == 0 }

  func check(cotangent: Shape) {
    precondition(cotangent == result, "convolution: cotangent \(cotangent) for a result of shape \(result)")
  }

  /// The shape for `batch` pictures.
  func kernelShape(batch: Int) -> flow_convolution_shape {
    kernelShape(batch: batch, source: source, rows: rows, before: geometry.before)
  }

  func kernelShape(batch: Int, source: [Int], rows: [Int], before: [Int]) -> flow_convolution_shape {
    func three(_ values: [Int]) -> (Int64, Int64, Int64) {
      (Int64(values[0]), Int64(values[1]), Int64(values[2]))
    }
    return flow_convolution_shape(
      batch: Int64(batch), input: Int64(input), output: Int64(output), source: three(source),
      result: three(rows), kernel: three(geometry.kernel), stride: three(geometry.stride),
      before: three(before))
  }

  /// Pictures are dealt to this many parts, whatever the team.
  var parts: Int { max(1, min(batch, 8)) }

  /// The pictures of a part.
  func pictures(_ part: Int) -> Range<Int> { part * batch / parts..<(part + 1) * batch / parts }
}
