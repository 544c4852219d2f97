// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// y = f(x), element by element.
struct Map: Primitive {
  let function: UnaryFunction

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].map(function)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [multiplied(tangents[0]!, inputs[0], outputs[0])]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    [multiplied(cotangents[0]!, inputs[0], outputs[0])]
  }

  /// d·f′(x) with y = f(x): the Jacobian is diagonal, so both rules are this one.
  private func multiplied(_ d: Variable, _ x: Variable, _ y: Variable) -> Variable? {
    switch function {
    case .negate: -d
    case .exp: d * y
    case .log: d / x
    case .sqrt: divided(d, byTwice: y)
    case .reciprocalSqrt: -0.5 * d * y / x
    case .square: 2 * d * x
    case .tanh: d * (1 - y.map(.square))
    case .sigmoid: d * y * (1 - y)
    case .silu: combine(.siluGradient, d, x)
    case .gelu: combine(.geluGradient, d, x)
    case .sine: d * x.map(.cosine)
    case .cosine: -(d * x.map(.sine))
    case .reciprocal: -(d * y.map(.square))
    // The derivative at 0 is taken as 0.
    case .absolute: d * x.map(.sign)
    // Constant almost everywhere.
    case .sign, .floor: nil
    case .softplus: d * x.map(.sigmoid)
    case .logOnePlus: d / (1 + x)
    case .expMinusOne: d * (1 + y)
    }
  }

  /// d/(2y), and 0 at y = 0, where the derivative of the root is infinite: the choice that makes the gradient of a
  /// norm at the origin 0.
  private func divided(_ d: Variable, byTwice y: Variable) -> Variable {
    let zero = y.isZero
    return select(zero, Variable(0), d / (2 * (y + Variable(zero))))
  }
}

extension Variable {
  /// `function` of each element.
  public func map(_ function: UnaryFunction) -> Variable { apply(Map(function: function), self) }

  /// −x.
  public static prefix func - (x: Variable) -> Variable { x.map(.negate) }

  /// 1 where the value is 0, else 0.
  var isZero: Tensor { Tensor.combine(.equal, tensor, Tensor(0)) }
}
