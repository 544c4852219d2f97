// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Testing

/// A packed convolution of pictures, [count, height, width, inputs], in stretches of lines.
func packedConvolution(
  _ x: Tensor, weight: Tensor, bias: Tensor, _ precision: InferencePrecision, stretch: Int = 3,
  onto y: Tensor? = nil
) -> Tensor {
  let layer = PackedConvolution(weight: weight, bias: bias, precision: precision, in: WeightArena())
  let (count, height, width, inputs) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
  let pictures = BorderedPictures(
    count: count, height: height, width: width, channels: inputs, precision: precision)
  let stride = PackedConvolution.rowCount(outputs: layer.outputs), places = count * height * width
  let output = Workspace(count: places * stride)
  y?.withElements { y in
    for place in 0..<places {
      (output.floats + place * stride).update(
        from: y.baseAddress! + place * layer.outputs, count: layer.outputs)
    }
  }
  x.withElements { x in
    for line in 0..<count * height {
      pictures.write(
        picture: line / height, line: line % height, x.baseAddress! + line * width * inputs, channels: inputs,
        stride: inputs)
    }
  }
  for picture in 0..<count {
    for first in starts(height, by: stretch) {
      layer.apply(
        lines: first..<min(height, first + stretch), of: picture, in: pictures,
        into: output.floats + (picture * height + first) * width * stride, stride: stride, adding: y != nil)
    }
  }
  return Tensor([places, stride]) { $0.update(from: output.floats, count: places * stride) }
    .slice(axis: 1, 0..<layer.outputs).reshaped([count, height, width, layer.outputs])
}

private func starts(_ count: Int, by step: Int) -> [Int] { Array(stride(from: 0, to: count, by: step)) }

@Suite("Packed convolutions")
struct PackedConvolutionTests {
  /// Pictures, height, width, inputs, outputs: around a tile of places, fours of inputs, and panels of 16 and 32.
  static let shapes = [
    [1, 1, 1, 1, 1], [2, 3, 5, 3, 4], [1, 6, 8, 16, 33], [2, 4, 9, 5, 48], [1, 2, 17, 70, 80],
  ]
  /// Rounding of the operands: 24, 8 and 7 bits.
  static let bounds: [(InferencePrecision, Double)] = [(.float32, 2e-6), (.bfloat16, 3e-3), (.int8, 1.5e-2)]

  private func operands(_ shape: [Int], seed: UInt64) -> (x: Tensor, weight: Tensor, bias: Tensor) {
    var random = Random(key: seed)
    return (
      random.normal([shape[0], shape[1], shape[2], shape[3]]), random.normal([shape[4], 3, 3, shape[3]]),
      random.normal([shape[4]])
    )
  }

  @Test("agree with the convolution, set or added", arguments: shapes, bounds)
  func agreement(shape: [Int], bound: (InferencePrecision, Double)) {
    let (x, weight, bias) = operands(shape, seed: 3)
    let wanted = Tensor.convolution(
      x, weight, bias: bias, Convolution2D(kernel: 3, padding: 1).geometry)
    let found = packedConvolution(x, weight: weight, bias: bias, bound.0)
    #expect(relativeDistance(found, wanted) < bound.1)
    var random = Random(key: 4)
    let y = random.normal(wanted.shape)
    let added = packedConvolution(x, weight: weight, bias: bias, bound.0, onto: y)
    #expect(relativeDistance(added, Tensor.combine(.add, y, wanted)) < bound.1)
  }

  @Test(
    "lines get the same whatever stretch they are in, to the bit", arguments: InferencePrecision.allCases)
  func stretches(precision: InferencePrecision) {
    let (x, weight, bias) = operands([2, 5, 11, 9, 40], seed: 5)
    let whole = packedConvolution(x, weight: weight, bias: bias, precision, stretch: 5)
    let pieces = packedConvolution(x, weight: weight, bias: bias, precision, stretch: 2)
    #expect(whole.elements == pieces.elements)
  }

  @Test("a picture of zeros gives the bias everywhere", arguments: InferencePrecision.allCases)
  func zeros(precision: InferencePrecision) {
    let (x, weight, bias) = operands([1, 3, 4, 8, 20], seed: 6)
    let found = packedConvolution(.zeros(x.shape), weight: weight, bias: bias, precision)
    #expect(found.elements == bias.broadcast(to: found.shape).elements)
  }

  @Test("places of very different sizes are not rounded alike: each has a scale of its own")
  func scales() {
    let (x, weight, bias) = operands([1, 1, 7, 16, 32], seed: 7)
    // The last place is a million times the first; the first sees it not.
    let factors = Tensor([1, 1, 1, 1, 1e6, 1e6, 1e6], shape: [1, 1, 7, 1])
    let large = Tensor.combine(.multiply, x, factors)
    let found = packedConvolution(large, weight: weight, bias: bias, .int8)
    let wanted = packedConvolution(x, weight: weight, bias: bias, .int8)
    #expect(found.slice(axis: 2, 0..<3).elements == wanted.slice(axis: 2, 0..<3).elements)
  }

  @Test(
    "a place with a number that is not finite spoils its neighbours and no others",
    arguments: InferencePrecision.allCases, [Float.nan, .infinity])
  func poison(precision: InferencePrecision, value: Float) {
    let (x, weight, bias) = operands([1, 1, 7, 8, 16], seed: 8)
    let found = packedConvolution(
      Tensor.combine(
        .add, x, Tensor([0, 0, 0, 0, 0, value, 0], shape: [1, 1, 7, 1]).broadcast(to: x.shape)),
      weight: weight, bias: bias, precision)
    for place in 0..<7 {
      let row = found.slice(axis: 2, place..<place + 1)
      #expect(row.isFinite == (place < 4), "place \(place)")
    }
  }
}
