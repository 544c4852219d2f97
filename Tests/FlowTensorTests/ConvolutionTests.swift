// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Testing

/// A convolution of pictures or videos of some shape to a number of channels.
struct ConvolutionCase: CustomTestStringConvertible, Sendable {
  let geometry: ConvolutionGeometry
  let kernel: [Int]
  let stride: [Int]
  let padding: [Int]
  let shape: Shape
  let output: Int

  init(_ geometry: Convolution2D, _ shape: Shape, _ output: Int) {
    self.geometry = geometry.geometry
    kernel = [1, geometry.kernel, geometry.kernel]
    stride = [1, geometry.stride, geometry.stride]
    padding = [0, geometry.padding, geometry.padding]
    (self.shape, self.output) = (shape, output)
  }

  init(_ geometry: CausalConvolution3D, _ shape: Shape, _ output: Int) {
    self.geometry = geometry.geometry
    kernel = [geometry.timeKernel, geometry.picture.kernel, geometry.picture.kernel]
    stride = [geometry.timeStride, geometry.picture.stride, geometry.picture.stride]
    padding = [geometry.timeKernel - 1, geometry.picture.padding, geometry.picture.padding]
    (self.shape, self.output) = (shape, output)
  }

  var weights: Shape {
    Shape([output] + (shape.rank == 4 ? Array(kernel.dropFirst()) : kernel) + [shape[-1]])
  }
  var testDescription: String { "\(shape) to \(output), kernel \(kernel), stride \(stride)" }
}

@Suite("Convolution")
struct ConvolutionTests {
  static let cases: [ConvolutionCase] = [
    ConvolutionCase(Convolution2D(kernel: 3, padding: 1), [2, 3, 4, 15], 17),
    ConvolutionCase(Convolution2D(kernel: 3, stride: 2, padding: 1), [9, 6, 8, 2], 3),
    ConvolutionCase(Convolution2D(kernel: 1, padding: 0), [1, 3, 4, 5], 2),
    ConvolutionCase(Convolution2D(kernel: 4, stride: 3, padding: 2), [1, 7, 5, 1], 2),
    ConvolutionCase(Convolution2D(kernel: 3, padding: 0), [1, 3, 3, 2], 1),
    ConvolutionCase(Convolution2D(kernel: 3, padding: 1), [0, 4, 4, 2], 2),
    ConvolutionCase(Convolution2D(kernel: 3, padding: 1), [2, 4, 4, 0], 2),
    // One picture, cut into stretches of rows.
    ConvolutionCase(Convolution2D(kernel: 3, padding: 1), [1, 13, 16, 2], 3),
    ConvolutionCase(Convolution2D(kernel: 3, stride: 2, padding: 1), [1, 21, 22, 2], 3),
    ConvolutionCase(Convolution2D(kernel: 5, padding: 4), [1, 9, 9, 2], 3),
    ConvolutionCase(Convolution2D(kernel: 2, padding: 3), [1, 9, 9, 2], 3),
    ConvolutionCase(
      CausalConvolution3D(timeKernel: 3, picture: Convolution2D(kernel: 3, padding: 1)), [2, 4, 3, 4, 3], 4),
    ConvolutionCase(
      CausalConvolution3D(
        timeKernel: 2, timeStride: 2, picture: Convolution2D(kernel: 3, stride: 2, padding: 1)),
      [3, 5, 6, 4, 2], 3),
    ConvolutionCase(
      CausalConvolution3D(timeKernel: 3, picture: Convolution2D(kernel: 1, padding: 0)), [1, 7, 5, 6, 3], 2),
    ConvolutionCase(
      CausalConvolution3D(timeKernel: 3, picture: Convolution2D(kernel: 3, padding: 1)), [1, 1, 8, 8, 3], 2),
  ]

  @Test("is its definition", arguments: cases)
  func definition(example: ConvolutionCase) {
    var random = Random(key: 13)
    let x = random.normal(example.shape), w = random.normal(example.weights)
    let bias = random.normal([example.output])
    let result = Tensor.convolution(x, w, bias: bias, example.geometry)
    // Pictures as videos of one frame.
    let still = example.shape.rank == 4
    let video = still ? x.reshaped(Shape([x.shape[0], 1] + x.shape.extents.dropFirst())) : x
    let taps = indices(of: Shape(example.kernel + [example.shape[-1]]))
    let wanted = indices(of: result.shape).map { index -> Double in
      let at = still ? [index[0], 0] + index.dropFirst() : index
      return taps.reduce(bias.element([at[4]])) { sum, tap in
        let place = (0..<3).map { at[$0 + 1] * example.stride[$0] + tap[$0] - example.padding[$0] }
        guard (0..<3).allSatisfy({ 0..<video.shape[$0 + 1] ~= place[$0] }) else { return sum }
        let weight = w.element([at[4]] + (still ? Array(tap.dropFirst()) : tap))
        return sum + video.element([at[0]] + place + [tap[3]]) * weight
      }
    }
    expectClose(result, wanted, tolerance: 1e-5)
  }

  @Test("its gradients are the transposes of a bilinear map", arguments: cases)
  func transposes(example: ConvolutionCase) {
    var random = Random(key: 14)
    let x = random.normal(example.shape), w = random.normal(example.weights)
    let y = Tensor.convolution(x, w, example.geometry)
    let d = random.normal(y.shape)
    let product = { (a: Tensor, b: Tensor) in zip(a.doubles, b.doubles).reduce(0) { $0 + $1.0 * $1.1 } }
    let wanted = product(y, d)
    let dx = Tensor.convolutionInputGradient(d, w, example.geometry, shape: x.shape)
    let dw = Tensor.convolutionWeightGradient(x, d, example.geometry, shape: w.shape)
    #expect(abs(product(dx, x) - wanted) <= 1e-4 * max(1, abs(wanted)))
    #expect(abs(product(dw, w) - wanted) <= 1e-4 * max(1, abs(wanted)))
  }
}
