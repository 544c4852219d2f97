// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Testing

@Suite("Layout")
struct LayoutTests {
  static let permutations: [(Shape, [Int])] = [
    ([2, 3], [1, 0]), ([2, 3, 4], [0, 2, 1]), ([2, 3, 4], [2, 1, 0]), ([2, 3, 4], [1, 2, 0]), ([5], [0]),
    ([2, 3, 4, 5], [0, 1, 2, 3]), ([2, 3, 4, 5], [3, 1, 0, 2]), ([2, 1, 4, 5], [1, 3, 0, 2]),
    ([2, 3, 2, 3, 2, 3], [0, 1, 3, 2, 4, 5]), ([2, 3, 2, 3, 2], [4, 2, 0, 3, 1]), ([0, 3, 2], [2, 0, 1]),
    ([300, 5, 70], [1, 0, 2]), ([300, 5, 70], [2, 1, 0]),
  ]

  @Test("a permutation of the axes is index arithmetic", arguments: permutations)
  func permute(example: (Shape, [Int])) {
    let (shape, axes) = example
    let x = Tensor((0..<shape.count).map(Float.init), shape: shape)
    let result = x.permuted(axes)
    #expect(result.shape.extents == axes.map { shape[$0] })
    let wanted = indices(of: result.shape).map { index -> Double in
      var source = index
      for (place, axis) in axes.enumerated() { source[axis] = index[place] }
      return x.element(source)
    }
    #expect(result.doubles == wanted)
  }

  @Test("joining undoes cutting along each axis", arguments: [0, 1, 2, -1])
  func concatenate(axis: Int) {
    let x = Tensor((0..<60).map(Float.init), shape: [3, 4, 5])
    let extent = x.shape[axis]
    let parts = [0..<1, 1..<1, 1..<extent].map { x.slice(axis: axis, $0) }
    #expect(Tensor.concatenate(parts, axis: axis).elements == x.elements)
    let taken = x.slice(axis: axis, 1..<3)
    let wanted = indices(of: taken.shape).map { index -> Double in
      var source = index
      source[x.shape.normalized(axis)] += 1
      return x.element(source)
    }
    #expect(taken.doubles == wanted)
  }

  @Test("gathering reads rows and scattering adds them, repeated ones too")
  func gather() {
    let table = Tensor([1, 2, 3, 4, 5, 6], shape: [3, 2])
    #expect(table.gather([2, 0, 2]).elements == [5, 6, 1, 2, 5, 6])
    #expect(table.gather([2, 0, 2]).scatterAdd([1, 0, 1], rows: 3).elements == [1, 2, 10, 12, 0, 0])
  }
}

@Suite("Convolution")
struct ConvolutionTests {
  static let geometries: [(Convolution2D, Shape, Int)] = [
    (Convolution2D(kernel: 3, padding: 1), [2, 5, 6, 3], 4),
    (Convolution2D(kernel: 3, stride: 2, padding: 1), [9, 6, 8, 2], 3),
    (Convolution2D(kernel: 1, padding: 0), [1, 3, 4, 5], 2),
    (Convolution2D(kernel: 4, stride: 3, padding: 2), [1, 7, 5, 1], 2),
    (Convolution2D(kernel: 3, padding: 0), [1, 3, 3, 2], 1),
    (Convolution2D(kernel: 3, padding: 1), [0, 4, 4, 2], 2),
  ]

  @Test("is its definition", arguments: geometries)
  func definition(example: (Convolution2D, Shape, Int)) {
    let (geometry, shape, output) = example
    var random = Random(key: 13)
    let (x, w) = (random.normal(shape), random.normal([output, geometry.kernel, geometry.kernel, shape[3]]))
    let bias = random.normal([output])
    let result = Tensor.convolution(x, w, bias: bias, geometry)
    let wanted = indices(of: result.shape).map { at -> Double in
      indices(of: [geometry.kernel, geometry.kernel, shape[3]]).reduce(bias.element([at[3]])) { sum, tap in
        let row = at[1] * geometry.stride + tap[0] - geometry.padding
        let column = at[2] * geometry.stride + tap[1] - geometry.padding
        guard 0..<shape[1] ~= row, 0..<shape[2] ~= column else { return sum }
        return sum + x.element([at[0], row, column, tap[2]]) * w.element([at[3]] + tap)
      }
    }
    expectClose(result, wanted, tolerance: 1e-5)
  }

  @Test("its gradients are the transposes of a bilinear map", arguments: geometries)
  func transposes(example: (Convolution2D, Shape, Int)) {
    let (geometry, shape, output) = example
    var random = Random(key: 14)
    let (x, w) = (random.normal(shape), random.normal([output, geometry.kernel, geometry.kernel, shape[3]]))
    let y = Tensor.convolution(x, w, geometry)
    let d = random.normal(y.shape)
    let product = { (a: Tensor, b: Tensor) in zip(a.doubles, b.doubles).reduce(0) { $0 + $1.0 * $1.1 } }
    let wanted = product(y, d)
    let dx = Tensor.convolutionInputGradient(d, w, geometry, shape: shape)
    let dw = Tensor.convolutionWeightGradient(x, d, geometry, shape: w.shape)
    #expect(abs(product(dx, x) - wanted) <= 1e-4 * max(1, abs(wanted)))
    #expect(abs(product(dw, w) - wanted) <= 1e-4 * max(1, abs(wanted)))
  }
}
