// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowTensor
import Testing

/// Where an argument is drawn: away from the kinks and poles of the function under test.
enum Domain {
  /// Normal numbers.
  case real
  /// Between ½ and 2.
  case positive
  /// At least ½ away from 0.
  case nonzero
  /// Multiples of 0.3 in a scrambled order, no two of them equal; or those and 0.15.
  case grid, shiftedGrid

  func draw(_ shape: Shape, _ random: inout Random) -> Tensor {
    switch self {
    case .real: return random.normal(shape)
    case .positive: return random.uniform(shape).affine(scale: 1.5, shift: 0.5)
    case .nonzero:
      let x = random.normal(shape)
      return Tensor.combine(.add, x, x.map(.sign).affine(scale: 0.5))
    case .grid, .shiftedGrid:
      let count = max(shape.count, 1), shift: Float = self == .grid ? 0 : 0.15
      // 7919 is a prime beyond every count here, so this is a permutation.
      let places = (0..<shape.count).map { ($0 * 7919 + (self == .grid ? 0 : 5)) % count - count / 2 }
      return Tensor(places.map { 0.3 * Float($0) + shift }, shape: shape)
    }
  }
}

/// A row of the table of laws: a function of the primitive under test, and the shapes that it is tried at.
struct Law: CustomTestStringConvertible, Sendable {
  let name: String
  /// The shapes of the arguments for an extent.
  let shapes: @Sendable (Int) -> [Shape]
  /// One an argument; the last one holds for those that follow.
  let domains: [Domain]
  let extents: [Int]
  /// Whether derivatives at 0 exist, or are chosen so that they are finite.
  let zero: Bool
  let function: @Sendable ([Variable]) -> Variable

  init(
    _ name: String, _ shapes: @escaping @Sendable (Int) -> [Shape], _ domains: Domain...,
    extents: [Int] = [
      0, 1, 15, 17,
    ], zero: Bool = true, _ function: @escaping @Sendable ([Variable]) -> Variable
  ) {
    self.name = name
    self.shapes = shapes
    self.domains = domains.isEmpty ? [.real] : domains
    self.extents = extents
    self.zero = zero
    self.function = function
  }

  var testDescription: String { name }

  func arguments(_ extent: Int, _ random: inout Random) -> [Tensor] {
    shapes(extent).enumerated().map { domains[min($0, domains.count - 1)].draw($1, &random) }
  }
}

/// How far two ways to the same derivative may be apart, relative to the size of what is compared.
enum Tolerance {
  /// Two exact rules: rounding alone.
  static let exact = 3e-5
  /// A fourth-order central difference of values, and of first derivatives.
  static let difference = 4e-4
}

/// A list of tensors as one vector in double precision.
struct Vector {
  let elements: [Double]

  init(_ elements: [Double]) { self.elements = elements }
  init(_ tensors: [Tensor]) { elements = tensors.flatMap { $0.elements.map(Double.init) } }
  init(_ variables: [Variable]) { self.init(variables.map(\.tensor)) }

  var norm: Double { dot(self).squareRoot() }
  func dot(_ other: Vector) -> Double { zip(elements, other.elements).reduce(0) { $0 + $1.0 * $1.1 } }
  static func - (a: Vector, b: Vector) -> Vector { Vector(zip(a.elements, b.elements).map { $0 - $1 }) }

  /// The derivative of `value` at step 0, by differences of fourth order.
  static func derivative(of value: (Float) -> [Variable]) -> Vector {
    let h: Float = 2e-2
    let near = Vector(value(h)) - Vector(value(-h)), far = Vector(value(2 * h)) - Vector(value(-2 * h))
    return Vector(zip(near.elements, far.elements).map { (8 * $0 - $1) / Double(12 * h) })
  }
}
