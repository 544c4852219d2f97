// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Foundation
import Testing

@Suite("Analytic functions and functions of matrices")
struct SmoothTests {
  private static let arguments: [Float] = [
    -400, -9.5, -1.01, -0.99, -0.3, -1e-3, -1e-8, -1e-30, 0, 1e-30, 1e-8, 1e-3, 0.3, 0.99, 1.01, 2.4, 9.5, 39,
    400,
  ]

  /// Σ (−x)ⁿ/(2n + k)! and the largest of its terms, which cancel for large positive x.
  private static func stumpffSeries(_ order: Int, _ x: Double) -> (sum: Double, largest: Double) {
    var term = 1.0, sum = 0.0, largest = 0.0
    for j in stride(from: 2, through: order, by: 1) { term /= Double(j) }
    for n in 0..<120 {
      sum += term
      largest = max(largest, abs(term))
      let step = 2 * n + order
      term *= -x / Double((step + 1) * (step + 2))
    }
    return (sum, largest)
  }

  @Test("Stumpff functions are their series", arguments: 0..<7)
  func stumpff(order: Int) {
    for x in Self.arguments {
      let (sum, largest) = Self.stumpffSeries(order, Double(x))
      let error = abs(Double(Tensor(x).map(.stumpff(order)).item) - sum)
      #expect(error <= 1e-7 * abs(sum) + 1e-15 * largest, "c\(order)(\(x)) is \(error) off \(sum)")
    }
  }

  private static func angleOverSine(_ c: Double) -> Double {
    let w = c - 1
    if abs(w) < 1e-2 { return 1 - w / 3 + 2 * w * w / 15 - 2 * w * w * w / 35 }
    return c < 1 ? acos(c) / (1 - c * c).squareRoot() : acosh(c) / (c * c - 1).squareRoot()
  }

  @Test("the angle over its sine is arccos and arcosh, and 1 at 1")
  func angle() {
    for x in Self.arguments where x > -2 {
      let wanted = Self.angleOverSine(1 + Double(x))
      let error = abs(Double(Tensor(x).map(.angleOverSine(derivative: 0)).item) - wanted)
      #expect(error <= 1e-7 * wanted, "F(1 + \(x)) is \(error) off \(wanted)")
    }
  }

  private struct Definition: Sendable {
    let function: SpectralFunction
    let value: @Sendable (Double) -> Double
  }

  private static let sine: @Sendable (Double) -> Double = { sin($0.squareRoot()) / $0.squareRoot() }
  private static let definitions = [
    Definition(function: .exp) { exp($0) }, Definition(function: .log) { log($0) },
    Definition(function: .power(0.5)) { $0.squareRoot() },
    Definition(function: .power(-0.5)) { pow($0, -0.5) },
    Definition(function: .cosineOfRoot) { cos($0.squareRoot()) },
    Definition(function: .sineOfRoot, value: sine),
    Definition(function: .logSineOfRoot) { log(sine($0)) },
    Definition(function: .angleOverSine) { angleOverSine($0) },
    Definition(function: .atLeast(0.5)) { max($0, 0.5) },
  ]

  /// Along a direction between the vectors of eigenvalues a and b the derivative is (f(a) − f(b))/(a − b).
  @Test(
    "a function of a matrix is that of its eigenvalues, its derivative a divided difference", arguments: 0..<9
  )
  func spectral(index: Int) {
    let definition = Self.definitions[index]
    for (a, b): (Float, Float) in [(0.2, 4), (0.9, 1.2), (0.4, 0.7), (3, 3.001), (1e-3, 1.5)] {
      let x = Tensor([a, 0, 0, b], shape: [1, 2, 2]), e = Tensor([0, 1, 0, 0], shape: [1, 2, 2])
      let value = Tensor.spectral(definition.function, x).elements.map(Double.init)
      let derivative = Tensor.spectral(definition.function, x, along: [e]).elements.map(Double.init)
      let left = definition.value(Double(a)), right = definition.value(Double(b))
      let slope = (left - right) / (Double(a) - Double(b))
      #expect(abs(value[0] - left) <= 1e-6 * max(1, abs(left)))
      #expect(abs(value[3] - right) <= 1e-6 * max(1, abs(right)))
      #expect(value[1] == 0 && value[2] == 0 && derivative[2] == 0)
      #expect(abs(derivative[1] - slope) <= 1e-6 * max(1, abs(slope)), "\(definition.function) of \(a), \(b)")
    }
  }

  @Test("second differences hold for eigenvalues near and apart, and for equal ones")
  func secondDifferences() {
    let e = Tensor([0, 1, 0, 0, 0, 1, 0, 0, 0], shape: [1, 3, 3])
    for (a, b, c): (Float, Float, Float) in [
      (0.5, 1, 2), (1, 1.001, 1.002), (1, 1, 1), (1, 1, 3), (0.01, 1, 1),
    ] {
      let x = Tensor([a, 0, 0, 0, b, 0, 0, 0, c], shape: [1, 3, 3])
      // 1/x has the divided differences (−1)ᵏ/∏ xᵢ.
      let found = Tensor.spectral(.power(-1), x, along: [e, e]).elements[2]
      #expect(abs(found * a * b * c - 1) < 1e-5, "\(a), \(b), \(c): \(found)")
    }
  }

  @Test("leading eigenvectors are as many as asked for, and what is not finite stays so")
  func leading() {
    let x = Tensor([2, 0, 0, 0, 2, 0, 0, 0, 2], shape: [1, 3, 3])
    let projection = Tensor.spectral(.leading(rank: 2), x).elements
    #expect(projection[0] + projection[4] + projection[8] == 2)
    let broken = Tensor.spectral(.exp, Tensor([1, .nan, .nan, 1], shape: [1, 2, 2])).elements
    #expect(broken.allSatisfy { $0.isNaN })
    #expect(Tensor.spectral(.exp, .zeros([0, 2, 2])).shape == [0, 2, 2])
  }
}
