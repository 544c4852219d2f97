// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Glibc
import Testing

@Suite("Normalisations, reductions and AdamW")
struct NormalisationTests {
  static let lengths = awkwardLengths.filter { $0 > 0 }

  @Test("the modulated norm is its definition at every width", arguments: lengths)
  func modulated(channels: Int) {
    var random = Random(key: 3)
    let x = random.normal([2, 3, channels]).affine(scale: 2, shift: 5)
    let scale = random.normal([2, channels]), shift = random.normal([2, channels])
    let rows = rows(x)
    let wanted = rows.enumerated().flatMap { row, values -> [Double] in
      let mean = values.reduce(0, +) / Double(channels)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(channels)
      return values.enumerated().map { c, value in
        (value - mean) / sqrt(variance + 1e-3) * (1 + scale.element([row / 3, c]))
          + shift.element([row / 3, c])
      }
    }
    expectClose(
      Tensor.modulatedNorm(x, scale: scale, shift: shift, epsilon: 1e-3), wanted, tolerance: 1e-5)
  }

  @Test("the root-mean-square norm is its definition at every width", arguments: lengths)
  func rootMeanSquare(channels: Int) {
    var random = Random(key: 4)
    let x = random.normal([5, channels]), weight = random.normal([channels])
    let wanted = rows(x).flatMap { values -> [Double] in
      let square = values.reduce(0) { $0 + $1 * $1 } / Double(channels)
      return values.enumerated().map { c, value in value / sqrt(square + 1e-6) * weight.element([c]) }
    }
    expectClose(Tensor.rmsNorm(x, weight: weight, epsilon: 1e-6), wanted, tolerance: 1e-5)
  }

  static let reductions: [(Shape, Int)] = [
    ([5, 17], 0), ([5, 17], 1), ([3, 4, 5], 1), ([0, 3], 0), ([3, 0], 1), ([70_000, 3], 0),
    ([2, 40_000], -1), ([1], 0),
  ]

  @Test("a sum over an axis is its definition", arguments: reductions)
  func sums(example: (Shape, Int)) {
    var random = Random(key: 5)
    let (shape, axis) = (example.0, example.0.normalized(example.1))
    let x = random.normal(shape)
    let inner = shape.extents[(axis + 1)...].reduce(1, *), values = x.doubles
    var rest = shape.extents
    rest.remove(at: axis)
    let wanted = (0..<Shape(rest).count).map { place in
      (0..<shape[axis]).reduce(0.0) {
        $0 + values[(place / inner * shape[axis] + $1) * inner + place % inner]
      }
    }
    expectClose(
      x.sum(axis: example.1), wanted, tolerance: 1e-6 * Double(max(shape[axis], 4)).squareRoot() * 4)
  }

  @Test("the finiteness of a tensor is found at every place", arguments: [1, 16, 17, 1000])
  func finiteness(count: Int) {
    for place in [0, count / 2, count - 1] {
      for bad in [Float.infinity, -.infinity, .nan] {
        var elements = [Float](repeating: .greatestFiniteMagnitude, count: count)
        #expect(Tensor(elements).isFinite)
        elements[place] = bad
        #expect(!Tensor(elements).isFinite)
      }
    }
  }

  @Test("AdamW is its formula in double precision", arguments: lengths)
  func adamW(count: Int) {
    var random = Random(key: 6)
    let weight = random.normal([count])
    var trained = TrainedTensor(weight)
    var (w, m, v) = (
      weight.doubles, [Double](repeating: 0, count: count), [Double](repeating: 0, count: count)
    )
    var e = w
    for number in 1...5 {
      let gradient = random.normal([count])
      trained.apply(exampleStep(number), gradient: gradient)
      for (i, g) in gradient.doubles.enumerated().map({ ($0, 0.5 * $1) }) {
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = 0.99 * v[i] + 0.01 * g * g
        let (first, second) = (m[i] / (1 - pow(0.9, Double(number))), v[i] / (1 - pow(0.99, Double(number))))
        w[i] -= 1e-2 * (first / (sqrt(second) + 1e-8) + 0.1 * w[i])
        e[i] = 0.75 * e[i] + 0.25 * w[i]
      }
    }
    for (found, wanted) in [
      (trained.weight, w), (trained.first, m), (trained.second, v), (trained.average, e),
    ] {
      expectClose(found, wanted, tolerance: 5e-6)
    }
  }

  @Test("a step leaves copies that were handed out as they were", arguments: [17, 200_000])
  func copies(count: Int) {
    var random = Random(key: 6)
    let whole = random.normal([count + 2]), gradient = random.normal([count])
    // The weights are a view here, and the average is the same memory.
    var trained = TrainedTensor(whole.rows(1..<count + 1))
    var alone = TrainedTensor(Tensor(whole.rows(1..<count + 1).elements))
    trained.apply(exampleStep(1), gradient: gradient)
    #expect(
      whole.elements
        == {
          var random = Random(key: 6); return random.normal([count + 2]).elements
        }())
    let held = trained
    let before = [held.weight, held.first, held.second, held.average].map(\.elements)
    for number in 2...3 { trained.apply(exampleStep(number), gradient: gradient) }
    #expect([held.weight, held.first, held.second, held.average].map(\.elements) == before)
    for number in 1...3 { alone.apply(exampleStep(number), gradient: gradient) }
    #expect(
      trained.weight.elements == alone.weight.elements && trained.average.elements == alone.average.elements)
  }

  @Test("a step takes no memory where nobody else holds the weights")
  func inPlace() async {
    // A process of its own: tests beside this one take memory.
    await #expect(processExitsWith: .success) {
      var trained = TrainedTensor(Tensor.zeros([1 << 20]))
      let gradient = Tensor(repeating: 1, shape: [1 << 20])
      trained.apply(exampleStep(1), gradient: gradient)
      TensorMemory.resetPeak()
      trained.apply(exampleStep(2), gradient: gradient)
      #expect(TensorMemory.peakBytes == TensorMemory.currentBytes)
      #expect(TensorMemory.currentBytes == 5 << 22)
    }
  }

  private func rows(_ x: Tensor) -> [[Double]] {
    let values = x.doubles, width = x.shape[-1]
    return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
  }
}
