// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// softmax(q·kᵀ/√width, masked)·v over [batch, tokens, heads, width]: inputs q, k, v.
struct Attend: Primitive {
  let mask: AttentionMask

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.attention(inputs[0], inputs[1], inputs[2], mask: mask)]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    preconditionFailure("Attend: this kernel has no tangent")
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

/// Scaled dot-product attention: softmax(q·kᵀ/√width, masked)·v over [batch, tokens, heads, width].
public func attention(_ q: Variable, _ k: Variable, _ v: Variable, mask: AttentionMask) -> Variable {
  apply(Attend(mask: mask), q, k, v)
}
