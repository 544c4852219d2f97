// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Glibc
import Testing

@Suite("Elementwise kernels")
struct ElementwiseTests {
  /// The definitions, in double precision.
  static func definition(_ function: UnaryFunction, _ x: Double) -> Double {
    let sigmoid = { (x: Double) in 1 / (1 + exp(-x)) }
    switch function {
    case .negate: return -x
    case .exp: return exp(x)
    case .log: return log(x)
    case .sqrt: return sqrt(x)
    case .reciprocalSqrt: return 1 / sqrt(x)
    case .square: return x * x
    case .tanh: return tanh(x)
    case .sigmoid: return sigmoid(x)
    case .silu: return x * sigmoid(x)
    case .gelu: return 0.5 * x * (1 + tanh(sqrt(2 / Double.pi) * (x + 0.044715 * x * x * x)))
    case .sine: return sin(x)
    case .cosine: return cos(x)
    case .reciprocal: return 1 / x
    case .absolute: return abs(x)
    case .sign: return x > 0 ? 1 : x < 0 ? -1 : 0
    case .softplus: return log1p(exp(x))
    case .logOnePlus: return log1p(x)
    case .expMinusOne: return expm1(x)
    case .floor: return x.rounded(.down)
    }
  }

  @Test("a function of one number is its definition at every length", arguments: UnaryFunction.allCases)
  func unary(function: UnaryFunction) {
    for length in awkwardLengths {
      var random = Random(key: 1)
      var x = random.normal([length]).affine(scale: 4)
      if [.log, .sqrt, .reciprocalSqrt, .logOnePlus].contains(function) {
        x = x.map(.absolute).affine(scale: 1, shift: 1e-3)
      }
      expectClose(
        x.map(function), x.doubles.map { Self.definition(function, $0) }, tolerance: 3e-6,
        "\(function) of \(length)")
    }
  }

  @Test(
    "small arguments keep their relative precision",
    arguments: [UnaryFunction.tanh, .silu, .gelu, .sine, .logOnePlus, .expMinusOne])
  func small(function: UnaryFunction) {
    for x: Float in [1e-20, -1e-8, 3e-4, -0.02, 0.0499, 0.0501, 0.1] {
      let found = Double(Tensor(x).map(function).item), wanted = Self.definition(function, Double(x))
      #expect(abs(found - wanted) <= 4e-6 * abs(wanted), "\(function)(\(x)) is \(found), not \(wanted)")
    }
  }

  @Test("sine and cosine keep their error at any angle", arguments: [UnaryFunction.sine, .cosine])
  func angles(function: UnaryFunction) {
    // The vectorised range, its end, and beyond; multiples of π/2 and what lies beside them.
    for scale: Float in [1, 100, 1000, 2048, 1e6, 1e20] {
      let x = Tensor((-500...500).map { scale * Float($0) / 500 })
      expectClose(
        x.map(function), x.doubles.map { Self.definition(function, $0) }, tolerance: 3e-7, "\(scale)")
    }
    let x = Tensor((-900...900).flatMap { [Float($0) * 1.57079633, (Float($0) * 1.57079633).nextUp] })
    expectClose(x.map(function), x.doubles.map { Self.definition(function, $0) }, tolerance: 3e-7)
    #expect(Tensor([0, .nan, .infinity]).map(function).elements.map(\.isNaN) == [false, true, true])
  }

  @Test("exp saturates at both ends and keeps NaN")
  func saturation() {
    let y = Tensor([100, .infinity, -100, -.infinity, .nan, 0, 88, -87]).map(.exp).elements
    #expect(y[0] == .infinity && y[1] == .infinity)
    #expect(y[2] < 2e-38 && y[3] < 2e-38)
    #expect(y[4].isNaN && y[5] == 1)
    #expect(abs(y[6] / 1.6516363e38 - 1) < 1e-5 && abs(y[7] / 1.6458115e-38 - 1) < 1e-5)
  }

  @Test("sigmoid, silu, gelu and tanh have their limits far out, without NaN")
  func limits() {
    let far = Tensor([-1e4, -200, 200, 1e4])
    #expect(far.map(.tanh).elements == [-1, -1, 1, 1])
    #expect(far.map(.sigmoid).elements.map { $0.rounded() } == [0, 0, 1, 1])
    for function in [UnaryFunction.silu, .gelu] {
      let y = far.map(function).elements
      #expect(abs(y[0]) < 1e-30 && abs(y[1]) < 1e-30 && y[2] == 200 && y[3] == 1e4, "\(function): \(y)")
    }
  }

  static let broadcasts: [(Shape, Shape)] = [
    ([17], [17]), ([0], [1]), ([1], [16]), ([4, 15], [15]), ([4, 15], [4, 1]), ([4, 1], [1, 15]),
    ([], [3, 2]),
    ([2, 3, 4, 5], [3, 1, 5]), ([2, 1, 4, 1, 2], [1, 3, 1, 5, 1]), ([2, 1, 3, 1, 2, 1], [1, 2, 1, 3, 1, 2]),
    ([3, 1, 40_000], [1, 2, 1]), ([1000, 100], [100]),
  ]

  @Test("a function of two numbers broadcasts as index arithmetic says", arguments: broadcasts)
  func binary(shapes: (Shape, Shape)) {
    var random = Random(key: 2)
    let x = random.normal(shapes.0), y = random.uniform(shapes.1).affine(scale: 2, shift: 0.5)
    let all = Tensor.combine(.add, x, y).shape
    let places = all.count > 10_000 ? Array(indices(of: all).suffix(999)) : indices(of: all)
    let definitions: [(BinaryFunction, (Double, Double) -> Double)] = [
      (.add, { $0 + $1 }), (.subtract, { $0 - $1 }), (.multiply, { $0 * $1 }), (.divide, { $0 / $1 }),
      (.maximum, { max($0, $1) }), (.siluGradient, { $0 * Self.derivative(.silu, $1) }),
      (.geluGradient, { $0 * Self.derivative(.gelu, $1) }), (.minimum, { min($0, $1) }),
      (.greater, { $0 > $1 ? 1 : 0 }), (.equal, { $0 == $1 ? 1 : 0 }), (.arctangent, { atan2($0, $1) }),
      (.siluCurvature, { $0 * Self.secondDerivative(.silu, $1) }),
      (.geluCurvature, { $0 * Self.secondDerivative(.gelu, $1) }),
    ]
    for (function, definition) in definitions {
      let wanted = places.map { definition(x.element($0), y.element($0)) }
      let found = Tensor(Array(Tensor.combine(function, x, y).elements.suffix(places.count)))
      expectClose(found, wanted, tolerance: 3e-6, "\(function)")
    }
  }

  @Test("powers, bounds and choices are their definitions", arguments: awkwardLengths)
  func others(length: Int) {
    var random = Random(key: 8)
    let x = random.normal([length]), y = random.normal([length])
    for exponent: Float in [3, 4, -2, 5] {
      expectClose(x.power(exponent), x.doubles.map { pow($0, Double(exponent)) }, tolerance: 2e-6)
    }
    let positive = x.map(.square).affine(scale: 1, shift: 0.1)
    expectClose(positive.power(1.7), positive.doubles.map { pow($0, Double(Float(1.7))) }, tolerance: 2e-6)
    expectClose(x.clamped(-0.5, 1), x.doubles.map { min(max($0, -0.5), 1) }, tolerance: 0)
    let chosen = Tensor.select(x.map(.sign).affine(scale: 1, shift: 1), x, y)
    expectClose(chosen, zip(x.doubles, y.doubles).map { $0 < 0 ? $1 : $0 }, tolerance: 0)
    let nan = Tensor(.nan), condition = Tensor.combine(.greater, x, Tensor(0))
    expectClose(Tensor.select(condition, x, Tensor(0)), x.doubles.map { max($0, 0) }, tolerance: 0)
    expectClose(
      Tensor.select(Tensor.combine(.equal, x, x), y, nan), y.doubles, tolerance: 0, "what is not chosen")
  }

  @Test("bounds keep NaN, and a choice broadcasts")
  func choices() {
    #expect(Tensor([.nan, .infinity, -.infinity]).clamped(-1, 2).elements[1...] == [2, -1])
    #expect(Tensor([.nan]).clamped(-1, 2).item.isNaN)
    let table = Tensor.select(Tensor([1, 0], shape: [2, 1]), Tensor([1, 2, 3]), Tensor(-1))
    #expect(table.shape == [2, 3] && table.elements == [1, 2, 3, -1, -1, -1])
  }

  /// A central difference of the definition.
  static func derivative(_ function: UnaryFunction, _ x: Double) -> Double {
    (definition(function, x + 1e-5) - definition(function, x - 1e-5)) / 2e-5
  }

  /// A second difference of the definition.
  static func secondDerivative(_ function: UnaryFunction, _ x: Double) -> Double {
    (definition(function, x + 1e-4) + definition(function, x - 1e-4) - 2 * definition(function, x)) / 1e-8
  }
}
