// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// y = f(x), element by element, for a function whose derivatives are of its own family.
struct Smooth: Primitive {
  let function: SmoothFunction

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].map(function)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [tangents[0]! * derivative(inputs[0])]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    [cotangents[0]! * derivative(inputs[0])]
  }

  private func derivative(_ x: Variable) -> Variable {
    switch function {
    case .stumpff(0): -0.5 * x.map(.stumpff(1))
    case .stumpff(let k): 0.5 * (Float(k) * x.map(.stumpff(k + 2)) - x.map(.stumpff(k + 1)))
    case .angleOverSine(let order): x.map(.angleOverSine(derivative: order + 1))
    }
  }
}

extension Variable {
  /// `function` of each element; smooth where the function is, at 0 too.
  public func map(_ function: SmoothFunction) -> Variable { apply(Smooth(function: function), self) }
}
