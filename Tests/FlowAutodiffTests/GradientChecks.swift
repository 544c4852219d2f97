// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowTensor
import Testing

/// A function to differentiate, and the arguments to do it at.
struct Case: CustomTestStringConvertible, Sendable {
  let name: String
  let shapes: [Shape]
  var positive = false
  let function: @Sendable ([Variable]) -> Variable

  var testDescription: String { "\(name) \(shapes.map(\.description).joined(separator: " "))" }

  /// Pseudo-random arguments, away from the kinks and poles of the functions under test.
  func arguments() -> [Tensor] {
    var random = Random(key: 7)
    return shapes.map { shape in
      let x = random.normal(shape)
      return positive ? x.map(.square).affine(scale: 1, shift: 0.5) : x
    }
  }
}

/// Reverse-mode gradients against central differences in a random direction.
///
/// The result is weighted by fixed random numbers, so that every output takes part.
func checkGradient(_ example: Case, sourceLocation: SourceLocation = #_sourceLocation) {
  let arguments = example.arguments()
  var random = Random(key: 11)
  let output = example.function(arguments.map { Variable($0) })
  let weights = Variable(random.normal(output.shape))
  let scalar: ([Variable]) -> Variable = { (example.function($0) * weights).sum() }
  let gradient = gradient(at: arguments.map { Variable($0) }, of: scalar)

  for (index, argument) in arguments.enumerated() where argument.count > 0 {
    let direction = random.normal(argument.shape)
    let h: Float = 4e-3
    func value(_ step: Float) -> Double {
      var moved = arguments
      moved[index] = Tensor.combine(.add, argument, direction.affine(scale: step))
      // Summed in double: the rounding of a long float sum would drown the difference.
      let result = Tensor.combine(
        .multiply, example.function(moved.map { Variable($0) }).tensor, weights.tensor)
      return result.elements.reduce(0.0) { $0 + Double($1) }
    }
    let difference = (value(h) - value(-h)) / Double(2 * h)
    let product = Tensor.combine(.multiply, gradient[index].tensor, direction).elements.reduce(0.0) {
      $0 + Double($1)
    }
    let magnitude = max(abs(difference), gradient[index].tensor.sumOfSquares.squareRoot(), 1e-2)
    #expect(
      abs(difference - product) < 4e-3 * magnitude,
      "argument \(index): difference \(difference), gradient \(product)", sourceLocation: sourceLocation)
  }
}
