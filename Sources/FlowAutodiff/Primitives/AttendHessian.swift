// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// The Hessian of ⟨d, O⟩ in q, k and v, with O of ``Attend``, times tangents of these: inputs q, k, v, the results of
/// Attend, d, the results of ``AttendTangent`` for the tangents, and the tangents given.
///
/// It is the tangent of ``AttendGradient``'s results where d is held. Its own derivatives, of third order, are those of
/// the plain composition.
struct AttendHessian: Composed {
  let mask: AttentionMask
  let given: GivenTangents

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let h = Tensor.attentionHessian(
      inputs[0], inputs[1], inputs[2], AttentionOutput(values: inputs[3], logSums: inputs[4]),
      cotangent: inputs[5], tangents: given.tensors(inputs[8...]),
      outputTangent: AttentionOutput(values: inputs[6], logSums: inputs[7]), mask: mask)
    return [h.q, h.k, h.v]
  }

  func composition(_ inputs: [Variable]) -> [Variable] {
    let at = Array(inputs[..<3])
    let products = pushforward(at: at, along: given.spread(inputs[8...])) { arguments in
      let gradient = pullback(at: arguments, of: { [plainAttention($0, mask: mask)] }) { _ in [inputs[5]] }
      return gradient.cotangents.map { $0! }
    }
    return zip(products.tangents, at).map { $0 ?? Variable(.zeros($1.shape)) }
  }
}
