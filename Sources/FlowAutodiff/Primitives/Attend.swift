// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// softmax(q·kᵀ/√width, masked)·v over [batch, tokens, heads, width]: inputs q, k, v.
struct Attend: Primitive {
  let mask: AttentionMask

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.attention(inputs[0], inputs[1], inputs[2], mask: mask)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    apply(AttendGradient(mask: mask), to: inputs + [cotangents[0]!])
  }
}

/// The gradients of ``Attend``: inputs q, k, v, cotangent; results dq, dk, dv.
struct AttendGradient: FirstOrderOnly {
  let mask: AttentionMask

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.attentionGradient(inputs[0], inputs[1], inputs[2], cotangent: inputs[3], mask: mask)
    return [g.q, g.k, g.v]
  }
}

/// The softmax over the last axis.
struct Softmax: Primitive {
  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].softmax()] }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let y = outputs[0], dy = cotangents[0]!
    let product = (y * dy).sum(axis: -1)
    return [y * (dy - product.reshaped(y.shape.replacing(-1, with: 1)))]
  }
}

/// Rotation of interleaved pairs by angles given as cosines and sines [tokens, width/2].
struct Rotary: Primitive {
  let cosine: Tensor
  let sine: Tensor
  let inverse: Bool

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.rotary(inputs[0], cosine: cosine, sine: sine, inverse: inverse)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    [apply(Rotary(cosine: cosine, sine: sine, inverse: !inverse), cotangents[0]!)]
  }
}

/// Scaled dot-product attention: softmax(q·kᵀ/√width, masked)·v over [batch, tokens, heads, width].
public func attention(_ q: Variable, _ k: Variable, _ v: Variable, mask: AttentionMask) -> Variable {
  apply(Attend(mask: mask), q, k, v)
}

extension Variable {
  /// The softmax over the last axis.
  public func softmax() -> Variable { apply(Softmax(), self) }

  /// Rotates interleaved pairs of x [batch, tokens, heads, width] by angles given as cosines and sines
  /// [tokens, width/2].
  public func rotated(cosine: Tensor, sine: Tensor) -> Variable {
    apply(Rotary(cosine: cosine, sine: sine, inverse: false), self)
  }
}
