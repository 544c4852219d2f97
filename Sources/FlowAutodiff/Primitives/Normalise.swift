// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// (x − mean)/√(var + ε)·(1 + scale) + shift over the last axis: inputs x, scale, shift.
struct ModulatedNorm: Primitive {
  let epsilon: Float

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.modulatedNorm(inputs[0], scale: inputs[1], shift: inputs[2], epsilon: epsilon)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    apply(ModulatedNormGradient(epsilon: epsilon), to: [inputs[0], inputs[1], cotangents[0]!])
  }
}

/// The gradients of ``ModulatedNorm``: inputs x, scale, cotangent; results dx, dscale, dshift.
struct ModulatedNormGradient: FirstOrderOnly {
  let epsilon: Float

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.modulatedNormGradient(inputs[0], scale: inputs[1], cotangent: inputs[2], epsilon: epsilon)
    return [g.x, g.scale, g.shift]
  }
}

/// x/√(mean x² + ε)·weight over the last axis: inputs x, weight.
struct RMSNorm: Primitive {
  let epsilon: Float

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.rmsNorm(inputs[0], weight: inputs[1], epsilon: epsilon)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    apply(RMSNormGradient(epsilon: epsilon), to: [inputs[0], inputs[1], cotangents[0]!])
  }
}

/// The gradients of ``RMSNorm``: inputs x, weight, cotangent; results dx, dweight.
struct RMSNormGradient: FirstOrderOnly {
  let epsilon: Float

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.rmsNormGradient(inputs[0], weight: inputs[1], cotangent: inputs[2], epsilon: epsilon)
    return [g.x, g.weight]
  }
}

/// x + gate·y, one gate for all tokens of a batch row: inputs x, gate, y.
struct GatedAdd: Primitive {
  func forward(_ inputs: [Tensor]) -> [Tensor] { [Tensor.gatedAdd(inputs[0], gate: inputs[1], inputs[2])] }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let d = cotangents[0]!
    let gradients = apply(GatedAddGradient(), to: [inputs[1], inputs[2], d])
    return [d, gradients[0], gradients[1]]
  }
}

/// The gradients of ``GatedAdd``: inputs gate, y, cotangent; results dgate, dy.
struct GatedAddGradient: FirstOrderOnly {
  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.gatedAddGradient(gate: inputs[0], inputs[1], cotangent: inputs[2])
    return [g.gate, g.y]
  }
}

extension Variable {
  /// Layer normalisation without affine, then modulation: (x − mean)/√(var + ε)·(1 + scale) + shift.
  ///
  /// x is [batch…, tokens, channels]; scale and shift are [batch…, channels].
  public func modulatedNorm(scale: Variable, shift: Variable, epsilon: Float = 1e-6) -> Variable {
    apply(ModulatedNorm(epsilon: epsilon), self, scale, shift)
  }

  /// x/√(mean x² + ε)·weight over the last axis.
  public func rmsNorm(weight: Variable, epsilon: Float = 1e-6) -> Variable {
    apply(RMSNorm(epsilon: epsilon), self, weight)
  }

  /// x + gate·y, with x and y [batch…, tokens, channels] and gate [batch…, channels].
  public func adding(_ y: Variable, gate: Variable) -> Variable { apply(GatedAdd(), self, gate, y) }
}
