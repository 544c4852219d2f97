// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// z = f(x, y), element by element, with broadcasting.
struct Combine: Primitive {
  let function: BinaryFunction

  func forward(_ inputs: [Tensor]) -> [Tensor] { [Tensor.combine(function, inputs[0], inputs[1])] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let x = inputs[0], y = inputs[1], z = outputs[0]
    let tangent = total(
      tangents[0].flatMap { left(x, y, $0) }, tangents[1].flatMap { right(x, y, z, $0) })
    return [tangent?.broadcast(to: z.shape)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let x = inputs[0], y = inputs[1], z = outputs[0], dz = cotangents[0]!
    return [
      needed[0] ? left(x, y, dz)?.sum(to: x.shape) : nil,
      needed[1] ? right(x, y, z, dz)?.sum(to: y.shape) : nil,
    ]
  }

  /// d·∂f/∂x.
  private func left(_ x: Variable, _ y: Variable, _ d: Variable) -> Variable? {
    switch function {
    case .add, .subtract: d
    case .multiply: d * y
    case .divide: d / y
    case .maximum: d * share(x, y)
    case .minimum: d * share(y, x)
    case .greater, .equal: nil
    case .arctangent: d * y * inverseSquare(x, y)
    // Linear in x.
    case .siluGradient, .geluGradient, .siluCurvature, .geluCurvature: combine(function, d, y)
    }
  }

  /// d·∂f/∂y.
  private func right(_ x: Variable, _ y: Variable, _ z: Variable, _ d: Variable) -> Variable? {
    switch function {
    case .add: d
    case .subtract: -d
    case .multiply: d * x
    case .divide: -(d * z / y)
    case .maximum: d * share(y, x)
    case .minimum: d * share(x, y)
    case .greater, .equal: nil
    case .arctangent: -(d * x * inverseSquare(x, y))
    case .siluGradient: combine(.siluCurvature, d * x, y)
    case .geluGradient: combine(.geluCurvature, d * x, y)
    case .siluCurvature: d * x * siluThirdDerivative(y)
    case .geluCurvature: d * x * geluThirdDerivative(y)
    }
  }

  /// 1 where x > y, ½ where they are equal, else 0.
  private func share(_ x: Variable, _ y: Variable) -> Variable {
    let sign = Tensor.combine(.subtract, x.tensor, y.tensor).map(.sign)
    return Variable(sign.affine(scale: 0.5, shift: 0.5))
  }

  /// 1/(x² + y²), and 1 at the origin: there the derivatives of the angle become 0.
  private func inverseSquare(_ x: Variable, _ y: Variable) -> Variable {
    let square = x.map(.square) + y.map(.square)
    return (square + Variable(square.isZero)).map(.reciprocal)
  }

  /// With s = σ(y) and w = s(1−s): w(3(1−2s) + y(1−6w)).
  private func siluThirdDerivative(_ y: Variable) -> Variable {
    let s = y.map(.sigmoid), w = s * (1 - s)
    return w * (3 * (1 - 2 * s) + y * (1 - 6 * w))
  }

  /// With u = 2√(2/π)(y + a y³), s = σ(u), w = s(1−s), v = 1−2s:
  /// w(4u″ + 3v u′(u′ + y u″) + y(1−6w)u′³), since y u‴ = u″.
  private func geluThirdDerivative(_ y: Variable) -> Variable {
    let a: Float = 0.044715, c: Float = 1.59576912
    let square = y.map(.square)
    let s = (c * y * (1 + a * square)).map(.sigmoid)
    let w = s * (1 - s), v = 1 - 2 * s
    let first = c * (1 + 3 * a * square), second = 6 * a * c * y
    let cubic = y * (1 - 6 * w) * first.power(3)
    return w * (4 * second + 3 * v * first * (first + y * second) + cubic)
  }
}

/// `function` of each pair of elements, with broadcasting.
func combine(_ function: BinaryFunction, _ x: Variable, _ y: Variable) -> Variable {
  apply(Combine(function: function), x, y)
}

extension Variable {
  /// x + y, with broadcasting.
  public static func + (x: Variable, y: Variable) -> Variable { combine(.add, x, y) }
  /// x − y, with broadcasting.
  public static func - (x: Variable, y: Variable) -> Variable { combine(.subtract, x, y) }
  /// x·y element by element, with broadcasting.
  public static func * (x: Variable, y: Variable) -> Variable { combine(.multiply, x, y) }
  /// x/y element by element, with broadcasting.
  public static func / (x: Variable, y: Variable) -> Variable { combine(.divide, x, y) }
  /// The larger of x and y element by element, with broadcasting; equal elements share the derivative.
  public static func maximum(_ x: Variable, _ y: Variable) -> Variable { combine(.maximum, x, y) }
  /// The smaller of x and y element by element, with broadcasting; equal elements share the derivative.
  public static func minimum(_ x: Variable, _ y: Variable) -> Variable { combine(.minimum, x, y) }
  /// 1 where x > y, else 0, with broadcasting; no derivative flows through it.
  public static func greater(_ x: Variable, _ y: Variable) -> Variable { combine(.greater, x, y) }
  /// The angle of the point (x, y) in −π…π, with broadcasting; its derivative at the origin is taken as 0.
  public static func arctangent(y: Variable, x: Variable) -> Variable { combine(.arctangent, y, x) }
}
