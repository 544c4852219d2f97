// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// The gradients of ⟨d, O⟩ with O of ``Attend``: inputs q, k, v, the results of Attend, and d; results dq, dk, dv.
///
/// With weights P and G = d·vᵀ: dv = Pᵀ·d, and with E = P∘(G − rowsum(P∘G))/√width, dq = E·k and dk = Eᵀ·q.
struct AttendGradient: Primitive {
  let mask: AttentionMask

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let g = Tensor.attentionGradient(
      inputs[0], inputs[1], inputs[2], AttentionOutput(values: inputs[3], logSums: inputs[4]),
      cotangent: inputs[5], mask: mask)
    return [g.q, g.k, g.v]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let known = Array(inputs[..<5])
    let second = hessian(known, inputs[5], Array(tangents[..<3]), output: Array(tangents[3..<5]))
    guard let d = tangents[5] else { return second }
    return zip(second, apply(AttendGradient(mask: mask), to: known + [d])).map { total($0, $1) }
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let known = Array(inputs[..<5]), output = attentionTangent(known, cotangents, mask)
    let wanted = needed[..<3].contains(true)
    let second = wanted ? hessian(known, inputs[5], cotangents, output: output) : [nil, nil, nil]
    return second + [nil, nil, output[0]]
  }

  /// The Hessian of ⟨d, O⟩ times tangents of q, k and v, for which the tangents of Attend's results are `output`.
  private func hessian(
    _ known: [Variable], _ d: Variable, _ tangents: [Variable?], output: [Variable?]
  ) -> [Variable?] {
    let present = tangents.compactMap(\.self), output = output.compactMap(\.self)
    if present.isEmpty { return [nil, nil, nil] }
    precondition(
      output.count == 2, "AttendGradient: q, k, v have tangents and what attention made of them has not")
    let hessian = AttendHessian(mask: mask, given: GivenTangents(tangents))
    return apply(hessian, to: known + [d] + output + present)
  }
}
