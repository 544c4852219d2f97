// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Testing

/// A packed layer's rows for rows of floats.
func packedLinear(
  _ x: Tensor, _ layers: [(weight: Tensor, bias: Tensor)], _ precision: InferencePrecision,
  activation: Activation? = nil, gate: Tensor? = nil, onto y: Tensor? = nil
) -> Tensor {
  let layer = PackedLinear(layers, precision: precision, in: WeightArena())
  let rows = x.shape[0], inputs = x.shape[1], columns = layers.reduce(0) { $0 + $1.weight.shape[0] }
  let output = Workspace(count: rows * layer.outputs), gates = Workspace(count: layer.outputs)
  let bytes = Workspace(byteCount: rows * layer.rowByteCount + 1), scales = Workspace(count: rows + 1)
  for row in 0..<rows {
    y?.rows(row..<row + 1).withElements {
      (output.floats + row * layer.outputs).update(from: $0.baseAddress!, count: columns)
    }
  }
  gate?.withElements { gates.floats.update(from: $0.baseAddress!, count: columns) }
  let rowGates = [UnsafePointer<Float>?](repeating: UnsafePointer(gates.floats), count: rows)
  x.withElements { x in
    let input = LinearInput(
      floats: x.baseAddress!, stride: inputs, bytes: bytes.bytes, scales: scales.floats)
    rowGates.withUnsafeBufferPointer {
      layer.apply(
        rows, input, into: output.floats, stride: layer.outputs, activation: activation,
        gates: gate == nil ? nil : $0.baseAddress)
    }
  }
  return Tensor([rows, layer.outputs]) { $0.update(from: output.floats, count: rows * layer.outputs) }
    .slice(axis: 1, 0..<columns)
}

/// Relative root-mean-square distance.
func relativeDistance(_ found: Tensor, _ wanted: Tensor) -> Double {
  (Tensor.combine(.subtract, found, wanted).sumOfSquares / max(wanted.sumOfSquares, 1e-30)).squareRoot()
}

@Suite("Packed linear layers")
struct PackedLinearTests {
  static let shapes = [(1, 1, 1), (3, 15, 17), (8, 16, 32), (9, 33, 31), (17, 100, 70)]
  /// Rounding of the operands: 24, 8 and 7 bits.
  static let bounds: [(InferencePrecision, Double)] = [(.float32, 2e-6), (.bfloat16, 3e-3), (.int8, 1.5e-2)]

  @Test("agree with the product, with bias, activation and gate", arguments: shapes, bounds)
  func agreement(shape: (Int, Int, Int), bound: (InferencePrecision, Double)) {
    let (rows, inputs, outputs) = shape
    var random = Random(key: 3)
    let x = random.normal([rows, inputs]), weight = random.normal([outputs, inputs])
    let bias = random.normal([outputs]), gate = random.normal([outputs]), y = random.normal([rows, outputs])
    let product = Tensor.matmul(x, weight, transposeB: true, bias: bias)
    let layers = [(weight: weight, bias: bias)]
    #expect(relativeDistance(packedLinear(x, layers, bound.0), product) < bound.1)
    for activation in Activation.allCases {
      let found = packedLinear(x, layers, bound.0, activation: activation)
      #expect(relativeDistance(found, product.map(activation.function)) < 2 * bound.1, "\(activation)")
    }
    let added = Tensor.combine(.add, y, Tensor.combine(.multiply, gate, product))
    #expect(relativeDistance(packedLinear(x, layers, bound.0, gate: gate, onto: y), added) < bound.1)
  }

  @Test("layers packed together give their rows side by side", arguments: InferencePrecision.allCases)
  func together(precision: InferencePrecision) {
    var random = Random(key: 4)
    let x = random.normal([5, 12])
    let layers = [20, 7, 30].map { (weight: random.normal([$0, 12]), bias: random.normal([$0])) }
    let found = packedLinear(x, layers, precision)
    let alone = Tensor.concatenate(layers.map { packedLinear(x, [$0], precision) }, axis: 1)
    #expect(found.elements == alone.elements)
  }

  @Test("rows of zeros give the bias, and a row's scale is its own", arguments: InferencePrecision.allCases)
  func rows(precision: InferencePrecision) {
    var random = Random(key: 5)
    let layer = (weight: random.normal([9, 16]), bias: random.normal([9]))
    let x = random.normal([1, 16])
    let rows = Tensor.concatenate(
      [.zeros([1, 16]), x, x.affine(scale: 1e6), x.affine(scale: 1e-6)], axis: 0)
    let found = packedLinear(rows, [layer], precision)
    #expect(found.rows(0..<1).elements == layer.bias.elements)
    #expect(found.rows(1..<2).elements == packedLinear(x, [layer], precision).elements)
    #expect(found.isFinite)
  }

  @Test(
    "a row with a number that is not finite says so, the others do not",
    arguments: InferencePrecision.allCases,
    [Float.nan, .infinity])
  func poison(precision: InferencePrecision, value: Float) {
    var random = Random(key: 12)
    let layer = (weight: random.normal([33, 100]), bias: random.normal([33]))
    // In what is taken 64 numbers at a time, 16, and in the rest.
    for column in [5, 70, 98] {
      var elements = random.normal([2, 100]).elements
      elements[100 + column] = value
      let y = packedLinear(Tensor(elements, shape: [2, 100]), [layer], precision)
      #expect(y.rows(0..<1).isFinite && !y.rows(1..<2).isFinite, "column \(column)")
    }
  }
}
