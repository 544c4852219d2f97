// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// y = f(x), element by element.
struct Map: Primitive {
  let function: UnaryFunction

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].map(function)] }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let x = inputs[0], y = outputs[0], dy = cotangents[0]!
    switch function {
    case .negate: return [-dy]
    case .exp: return [dy * y]
    case .log: return [dy / x]
    case .sqrt: return [dy / (2 * y)]
    case .reciprocalSqrt: return [-0.5 * dy * y / x]
    case .square: return [2 * dy * x]
    case .tanh: return [dy * (1 - y.map(.square))]
    case .sigmoid: return [dy * y * (1 - y)]
    case .silu: return [combine(.siluGradient, dy, x)]
    case .gelu: return [combine(.geluGradient, dy, x)]
    case .sine: return [dy * x.map(.cosine)]
    case .cosine: return [-(dy * x.map(.sine))]
    case .reciprocal: return [-(dy * y.map(.square))]
    // The derivative at 0 is taken as 0.
    case .absolute: return [dy * x.map(.sign)]
    // Constant almost everywhere.
    case .sign: return [nil]
    }
  }
}

extension Variable {
  /// `function` of each element.
  public func map(_ function: UnaryFunction) -> Variable { apply(Map(function: function), self) }

  /// −x.
  public static prefix func - (x: Variable) -> Variable { x.map(.negate) }
}
