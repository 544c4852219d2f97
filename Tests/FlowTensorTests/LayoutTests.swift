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

  static let broadcasts: [(Shape, Shape)] = [
    ([3], [2, 3]), ([3, 1], [3, 4]), ([], [2, 2]), ([1, 5], [9000, 5]), ([2, 1, 3], [4, 2, 5, 3]),
    ([2, 1, 3, 1, 2, 1, 2], [2, 2, 3, 3, 2, 2, 2]), ([0, 1], [0, 3]),
  ]

  @Test("a broadcast repeats what the target stretches", arguments: broadcasts)
  func broadcast(example: (Shape, Shape)) {
    let (shape, target) = example
    let x = Tensor((0..<shape.count).map(Float.init), shape: shape)
    let wanted = target.count > 1000 ? nil : indices(of: target).map { x.element($0) }
    let result = x.broadcast(to: target)
    #expect(result.shape == target)
    #expect(result.doubles == wanted ?? Tensor.combine(.add, x, .zeros(target)).doubles)
  }

  @Test("a sum to a shape adds what broadcasting from it would repeat", arguments: broadcasts)
  func sum(example: (Shape, Shape)) {
    let (target, shape) = example
    let x = Tensor((0..<shape.count).map { Float($0 % 7) }, shape: shape)
    var wanted = [Double](repeating: 0, count: target.count)
    let places = Tensor((0..<target.count).map(Float.init), shape: target).broadcast(to: shape)
    for (place, value) in zip(places.doubles, x.doubles) { wanted[Int(place)] += value }
    #expect(x.sum(to: target).doubles == wanted)
  }

  @Test("reversing an axis reads it from its end", arguments: [0, 1, 2, -1])
  func flip(axis: Int) {
    let x = Tensor((0..<60).map(Float.init), shape: [3, 4, 5])
    let wanted = indices(of: x.shape).map { index -> Double in
      var source = index
      let axis = x.shape.normalized(axis)
      source[axis] = x.shape[axis] - 1 - index[axis]
      return x.element(source)
    }
    #expect(x.flipped(axis: axis).doubles == wanted)
    #expect(Tensor.zeros([3, 0, 2]).flipped(axis: axis).count == 0)
  }

  @Test("padding puts zeros around what slicing takes out", arguments: [0, 1, 2, -1])
  func pad(axis: Int) {
    let x = Tensor((1...60).map(Float.init), shape: [3, 4, 5]), extent = x.shape[axis]
    let padded = x.padded(axis: axis, before: 2, after: 1)
    #expect(padded.shape == x.shape.replacing(axis, with: extent + 3))
    #expect(padded.slice(axis: axis, 2..<2 + extent).elements == x.elements)
    #expect(padded.sum().item == x.sum().item)
  }

  @Test("gathering reads rows and scattering adds them, repeated ones too")
  func gather() {
    let table = Tensor([1, 2, 3, 4, 5, 6], shape: [3, 2])
    #expect(table.gather([2, 0, 2]).elements == [5, 6, 1, 2, 5, 6])
    #expect(table.gather([2, 0, 2]).scatterAdd([1, 0, 1], rows: 3).elements == [1, 2, 10, 12, 0, 0])
  }
}
