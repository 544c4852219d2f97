// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// The tangents of q, k and v that a primitive is given; the others are zero.
struct GivenTangents: Sendable {
  private let given: [Bool]

  init(_ tangents: [Variable?]) { given = tangents.map { $0 != nil } }

  /// Tangents of q, k and v from those that are given.
  func spread<T>(_ tangents: some Sequence<T>) -> [T?] {
    var rest = tangents.makeIterator()
    return given.map { $0 ? rest.next() : nil }
  }

  func tensors(_ tangents: some Sequence<Tensor>) -> AttentionTangents {
    let all = spread(tangents)
    return AttentionTangents(q: all[0], k: all[1], v: all[2])
  }
}

/// The tangents of ``Attend``'s results; nil where those of q, k and v are.
///
/// - Parameter known: q, k, v and the results.
func attentionTangent(_ known: [Variable], _ tangents: [Variable?], _ mask: AttentionMask) -> [Variable?] {
  let present = tangents.compactMap(\.self)
  if present.isEmpty { return [nil, nil] }
  return apply(AttendTangent(mask: mask, given: GivenTangents(tangents)), to: known + present)
}

/// The tangent of ``Attend``: inputs q, k, v, the results of Attend, and the tangents given.
///
/// With weights P, Ṡ = (q̇·kᵀ + q·k̇ᵀ)/√width and μ the row sums of P∘Ṡ, results are Ȯ = (P∘(Ṡ − μ))·v + P·v̇ and μ.
struct AttendTangent: Primitive {
  let mask: AttentionMask
  let given: GivenTangents

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let tangent = Tensor.attentionTangent(
      inputs[0], inputs[1], inputs[2], AttentionOutput(values: inputs[3], logSums: inputs[4]),
      tangents: given.tensors(inputs[5...]), mask: mask)
    return [tangent.values, tangent.logSums]
  }

  /// Third order: what is needed of the logarithms' tangents has been differentiated with q, k and v.
  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [pushforward(at: inputs, along: tangents) { [plainTangent($0)] }.tangents[0], nil]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    guard let d = cotangents[0] else { return inputs.map { _ in nil } }
    let known = Array(inputs[..<5])
    var sent = [Variable?](repeating: nil, count: inputs.count)
    if needed[..<3].contains(true) {
      let hessian = apply(AttendHessian(mask: mask, given: given), to: known + [d] + outputs + inputs[5...])
      sent.replaceSubrange(..<3, with: hessian)
    }
    if needed[5...].contains(true) {
      let gradient = apply(AttendGradient(mask: mask), to: known + [d])
      sent.replaceSubrange(
        5..., with: zip(gradient, given.spread(inputs[5...])).filter { $1 != nil }.map(\.0))
    }
    return sent
  }

  private func plainTangent(_ inputs: [Variable]) -> Variable {
    pushforward(at: Array(inputs[..<3]), along: given.spread(inputs[5...])) {
      [plainAttention($0, mask: mask)]
    }.tangents[0]!
  }
}
