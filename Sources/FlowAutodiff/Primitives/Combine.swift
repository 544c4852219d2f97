// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// z = f(x, y), element by element, with broadcasting.
struct Combine: Primitive {
  let function: BinaryFunction

  func forward(_ inputs: [Tensor]) -> [Tensor] { [Tensor.combine(function, inputs[0], inputs[1])] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let x = inputs[0], y = inputs[1], z = outputs[0]
    return [
      total(tangents[0].map { left(x, y, $0) }, tangents[1].map { right(x, y, z, $0) })?.broadcast(
        to: z.shape)
    ]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let x = inputs[0], y = inputs[1], z = outputs[0], dz = cotangents[0]!
    let dx = needed[0] ? left(x, y, dz).sum(to: x.shape) : nil
    let dy = needed[1] ? right(x, y, z, dz).sum(to: y.shape) : nil
    return [dx, dy]
  }

  private func left(_ x: Variable, _ y: Variable, _ dz: Variable) -> Variable {
    switch function {
    case .add, .subtract: dz
    case .multiply: dz * y
    case .divide: dz / y
    case .maximum: dz * greater(x, y)
    case .siluGradient, .geluGradient: combine(function, dz, y)
    }
  }

  private func right(_ x: Variable, _ y: Variable, _ z: Variable, _ dz: Variable) -> Variable {
    switch function {
    case .add: dz
    case .subtract: -dz
    case .multiply: dz * x
    case .divide: -(dz * z / y)
    case .maximum: dz * (1 - greater(x, y))
    case .siluGradient: dz * x * siluSecondDerivative(y)
    case .geluGradient: dz * x * geluSecondDerivative(y)
    }
  }

  /// 1 where x > y, ½ where they are equal, else 0.
  private func greater(_ x: Variable, _ y: Variable) -> Variable { 0.5 * (x - y).map(.sign) + 0.5 }

  /// With s = σ(y): s(1−s)(2 + y(1−2s)).
  private func siluSecondDerivative(_ y: Variable) -> Variable {
    let s = y.map(.sigmoid)
    return s * (1 - s) * (2 + y * (1 - 2 * s))
  }

  /// With u = 2√(2/π)(y + a y³), s = σ(u): s(1−s)(2u′ + y u″ + y u′²(1−2s)).
  private func geluSecondDerivative(_ y: Variable) -> Variable {
    let a: Float = 0.044715, c: Float = 1.59576912
    let s = (c * (y + a * y * y * y)).map(.sigmoid)
    let first = c * (1 + 3 * a * y * y), second = 6 * a * c * y
    return s * (1 - s) * (2 * first + y * second + y * first * first * (1 - 2 * s))
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
}
