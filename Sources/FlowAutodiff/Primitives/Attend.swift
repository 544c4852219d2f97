// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// softmax(q·kᵀ/√width, masked)·v: inputs q, k, v; results the output O and, for its derivatives, the logarithm of
/// each query's sum of exponentials.
///
/// Derivatives of first and second order are kernels whose memory is linear in the number of queries and keys. With
/// F = ⟨d, O⟩ they are the tangent ``AttendTangent``, the gradient ∇F ``AttendGradient`` and the Hessian of F times a
/// tangent ``AttendHessian``, in terms of which the rules of the first three close. Beyond, and for the tangent of a
/// tangent, ``plainAttention(_:mask:)`` is differentiated, whose memory is quadratic.
///
/// Those kernels are also handed O and the logarithms, which they would have to compute anew. These being functions of
/// q, k, v, the derivatives with respect to q, k, v are total, and none is sent back through them.
struct Attend: Primitive {
  let mask: AttentionMask

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let output = Tensor.attention(inputs[0], inputs[1], inputs[2], mask: mask)
    return [output.values, output.logSums]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    attentionTangent(inputs + outputs, tangents, mask)
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    guard let d = cotangents[0] else { return [nil, nil, nil] }
    return apply(AttendGradient(mask: mask), to: inputs + outputs + [d])
  }
}

/// Scaled dot-product attention: softmax(q·kᵀ/√width, masked)·v.
///
/// Queries are [batch, queries, heads, width], keys and values [batch, keys, heads, width].
///
/// - Complexity: time 4·queries·visible keys·width operations a head; memory linear in queries and keys, also of the
///   gradient, the forward derivative, the gradient of a forward derivative and Hessian products. Derivatives of
///   third and higher order take memory for all pairs of a query and a key.
public func attention(_ q: Variable, _ k: Variable, _ v: Variable, mask: AttentionMask) -> Variable {
  apply(Attend(mask: mask), q, k, v)
}
