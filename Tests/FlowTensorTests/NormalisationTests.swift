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

  @Test("tangents of the norms are differences of their definitions", arguments: lengths)
  func tangents(channels: Int) {
    var random = Random(key: 7)
    let x = random.normal([2, 3, channels]), scale = random.normal([2, channels])
    let dx = random.normal(x.shape), dscale = random.normal(scale.shape), dshift = random.normal(scale.shape)
    let weight = random.normal([channels]), dweight = random.normal([channels])
    let step: Float = 1e-2
    func moved(_ x: Tensor, _ d: Tensor, _ step: Float) -> Tensor {
      Tensor.combine(.add, x, d.affine(scale: step))
    }
    func difference(_ value: (Float) -> Tensor) -> [Double] {
      let near = zip(value(step).doubles, value(-step).doubles).map { ($0 - $1) / Double(2 * step) }
      let far = zip(value(2 * step).doubles, value(-2 * step).doubles).map { ($0 - $1) / Double(4 * step) }
      return zip(near, far).map { (4 * $0 - $1) / 3 }
    }
    for offset: Float in [0, 1] {
      let tangent = Tensor.modulatedNormTangent(
        x, scale: scale, tangent: dx, modulation: (dscale, dshift), epsilon: 0.1, offset: offset)
      expectClose(
        tangent,
        difference {
          Tensor.modulatedNorm(
            moved(x, dx, $0), scale: moved(scale, dscale, $0), shift: dshift.affine(scale: $0), epsilon: 0.1,
            offset: offset)
        }, tolerance: 2e-4)
    }
    let alone = Tensor.modulatedNormTangent(x, scale: scale, tangent: dx, modulation: nil, epsilon: 0.1)
    expectClose(
      alone,
      difference { Tensor.modulatedNorm(moved(x, dx, $0), scale: scale, shift: dshift, epsilon: 0.1) },
      tolerance: 2e-4)
    let rms = Tensor.rmsNormTangent(x, weight: weight, tangent: dx, weightTangent: dweight, epsilon: 0.1)
    expectClose(
      rms, difference { Tensor.rmsNorm(moved(x, dx, $0), weight: moved(weight, dweight, $0), epsilon: 0.1) },
      tolerance: 2e-4)
  }

  @Test("a long batch row, cut into pieces, is its definition too")
  func pieces() {
    var random = Random(key: 9)
    let x = random.normal([2, 900, 70]), scale = random.normal([2, 70]), d = random.normal(x.shape)
    let whole = Tensor.modulatedNormGradient(x, scale: scale, cotangent: d, epsilon: 1e-3)
    let y = Tensor.modulatedNorm(x, scale: scale, shift: .zeros([2, 70]), epsilon: 1e-3)
    for row in 0..<2 {
      let part = { (t: Tensor) in t.rows(row..<row + 1).slice(axis: t.shape.rank - 2, 0..<1) }
      let short = Tensor.modulatedNorm(
        part(x), scale: scale.rows(row..<row + 1), shift: .zeros([1, 70]), epsilon: 1e-3)
      #expect(short.elements == part(y).elements)
    }
    expectClose(whole.shift, d.sum(axis: 1).doubles, tolerance: 1e-4)
    let standard = Tensor.modulatedNorm(x, scale: .zeros([2, 70]), shift: .zeros([2, 70]), epsilon: 1e-3)
    expectClose(
      whole.scale, Tensor.combine(.multiply, standard, d).sum(axis: 1).doubles, tolerance: 1e-4)
  }

  @Test("the largest of an axis is found", arguments: reductions)
  func largest(example: (Shape, Int)) {
    var random = Random(key: 5)
    let (shape, axis) = (example.0, example.0.normalized(example.1))
    let x = random.normal(shape)
    let inner = shape.extents[(axis + 1)...].reduce(1, *), values = x.elements
    let wanted = (0..<shape.count / max(shape[axis], 1)).map { place in
      (0..<shape[axis]).reduce(-Float.infinity) {
        max($0, values[(place / inner * shape[axis] + $1) * inner + place % inner])
      }
    }
    #expect(shape.count == 0 || x.largest(axis: example.1).elements == wanted)
    #expect(Tensor.zeros([2, 0]).largest(axis: 1).elements == [-.infinity, -.infinity])
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
