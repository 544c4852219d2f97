// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowNN
import FlowTensor
import Testing

@Suite("An MLP made ready to run")
struct CompiledMLPTests {
  private func model(_ times: TimeConditioning, angles: [Int]) -> (MLP, [Tensor]) {
    let model = MLP(
      MLPConfiguration(
        input: 5, output: 5, width: 40, layers: 3, times: times, frequencies: 6, angles: angles, harmonics: 2)
    )
    var random = Random(key: 9)
    let weights = model.layout.declarations.map { random.normal($0.shape).affine(scale: 0.3) }
    return (model, weights)
  }

  @Test(
    "its answers are the model's, to the precision of its weights, in blocks of any size",
    arguments: TimeConditioning.allCases, [[], [1, 2, 4]])
  func answers(times: TimeConditioning, angles: [Int]) {
    let (model, weights) = model(times, angles: angles)
    var random = Random(key: 1)
    let x = random.normal([37, 5]).affine(scale: 2)
    let column = { (time: Float) in Variable(Tensor(repeating: time, shape: [37, 1])) }
    let expected = model(Variable(x), r: column(0.2), t: column(0.7), Parameters(weights)).tensor.elements
    for (precision, tolerance) in [(InferencePrecision.float32, 2e-6), (.bfloat16, 1e-2), (.int8, 6e-2)] {
      let compiled = CompiledMLP(model, weights: weights, precision: precision)
      let rows = compiled.makeRows(), folded = compiled.times(r: 0.2, t: 0.7)
      for block in [1, 8, 37] where block <= rows.capacity {
        let error = difference(compiled, x, folded, rows, block: block, from: expected)
        #expect(error < Float(tolerance), "\(precision), blocks of \(block): \(error)")
      }
    }
  }

  private func difference(
    _ compiled: CompiledMLP, _ x: Tensor, _ times: MLPTimes, _ rows: MLPRows, block: Int,
    from expected: [Float]
  ) -> Float {
    var squares: Float = 0, size: Float = 0
    x.withElements { x in
      for first in stride(from: 0, to: 37, by: block) {
        let count = min(block, 37 - first)
        let answer = compiled.evaluate(count, x.baseAddress! + first * 5, stride: 5, at: times, in: rows)
        for row in 0..<count {
          for column in 0..<5 {
            let wanted = expected[(first + row) * 5 + column]
            let found = answer[row * compiled.answerStride + column]
            squares += (found - wanted) * (found - wanted)
            size += wanted * wanted
          }
        }
      }
    }
    return (squares / size).squareRoot()
  }
}
