// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// y = x^p for a constant p other than 0 and 1.
struct Power: Primitive {
  let exponent: Float

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].power(exponent)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [multiplied(tangents[0]!, inputs[0])]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    [multiplied(cotangents[0]!, inputs[0])]
  }

  /// d·p·x^(p−1). At x = 0 a root's derivative is infinite; 0 is taken there, as for the square root.
  private func multiplied(_ d: Variable, _ x: Variable) -> Variable {
    guard exponent > 0, exponent < 1 else { return exponent * d * x.power(exponent - 1) }
    let zero = x.isZero
    return select(zero, Variable(0), exponent * d * (x + Variable(zero)).power(exponent - 1))
  }
}

extension Variable {
  /// x^`exponent` element by element; NaN for negative x unless the exponent is a whole number.
  public func power(_ exponent: Float) -> Variable {
    switch exponent {
    case 0: Variable(Tensor(repeating: 1, shape: shape))
    case 1: self
    case 2: map(.square)
    case -1: map(.reciprocal)
    case 0.5: map(.sqrt)
    case -0.5: map(.reciprocalSqrt)
    default: apply(Power(exponent: exponent), self)
    }
  }
}
