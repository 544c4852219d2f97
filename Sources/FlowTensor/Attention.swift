// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// What attention gives: its output, and what its derivatives need of each query beside.
public struct AttentionOutput: Sendable {
  /// softmax(q·kᵀ/√width, masked)·v: [batch, queries, heads, width].
  public let values: Tensor
  /// The logarithm of the sum of the exponentials of a query's scores: [batch, heads, queries].
  public let logSums: Tensor

  /// An output of attention, or a tangent of one.
  public init(values: Tensor, logSums: Tensor) {
    self.values = values
    self.logSums = logSums
  }
}

/// Queries, keys and values of attention, or what belongs to them: tangents, nil where zero.
public struct AttentionTangents: Sendable {
  /// [batch, queries, heads, width].
  public let q: Tensor?
  /// [batch, keys, heads, width].
  public let k: Tensor?
  /// [batch, keys, heads, width].
  public let v: Tensor?

  /// Tangents of queries, keys and values.
  public init(q: Tensor? = nil, k: Tensor? = nil, v: Tensor? = nil) {
    self.q = q
    self.k = k
    self.v = v
  }
}

extension Tensor {
  /// softmax(q·kᵀ/√width, masked)·v.
  ///
  /// Queries are [batch, queries, heads, width], keys and values [batch, keys, heads, width]. Scores exist for a tile
  /// at a time, here and in the derivatives: memory is linear in the number of queries and keys. Source: Dao et al.,
  /// FlashAttention (2022).
  public static func attention(_ q: Tensor, _ k: Tensor, _ v: Tensor, mask: AttentionMask) -> AttentionOutput
  {
    var call = AttentionCall(q, k, v, mask: mask, in: "attention")
    return call.output(flow_attention_forward)
  }

  /// The tangent of `attention`, which gives `output` for q, k, v.
  ///
  /// With weights P, tangents Ṡ of the scores and μ the row sums of P∘Ṡ, it is (P∘(Ṡ − μ))·v + P·v̇; that of the
  /// logarithms is μ.
  public static func attentionTangent(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ output: AttentionOutput, tangents: AttentionTangents,
    mask: AttentionMask
  ) -> AttentionOutput {
    var call = AttentionCall(q, k, v, mask: mask, in: "attentionTangent")
    call.set(output)
    call.set(tangents)
    return call.output(flow_attention_tangent)
  }

  /// The gradients of Σ cotangent∘attention with respect to q, k, v, where `attention` gives `output`.
  public static func attentionGradient(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ output: AttentionOutput, cotangent: Tensor, mask: AttentionMask
  ) -> (q: Tensor, k: Tensor, v: Tensor) {
    var call = AttentionCall(q, k, v, mask: mask, in: "attentionGradient")
    call.set(output)
    call.set(cotangent: cotangent)
    return call.gradients(flow_attention_gradient)
  }

  /// The tangents of what `attentionGradient` gives, the cotangent held: the second derivative of
  /// Σ cotangent∘attention with respect to q, k, v, times the tangents.
  ///
  /// `outputTangent` is what `attentionTangent` gives for the same tangents.
  public static func attentionHessian(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ output: AttentionOutput, cotangent: Tensor,
    tangents: AttentionTangents, outputTangent: AttentionOutput, mask: AttentionMask
  ) -> (q: Tensor, k: Tensor, v: Tensor) {
    var call = AttentionCall(q, k, v, mask: mask, in: "attentionHessian")
    call.set(output)
    call.set(cotangent: cotangent)
    call.set(tangents)
    call.set(tangent: outputTangent)
    return call.gradients(flow_attention_hessian)
  }
}

extension AttentionCall {
  fileprivate mutating func set(_ output: AttentionOutput) {
    check(output)
    kernel.o = operand(output.values)
    kernel.log_sum = operand(output.logSums)
  }

  fileprivate mutating func set(tangent output: AttentionOutput) {
    check(output)
    kernel.o_tangent = operand(output.values)
    kernel.log_sum_tangent = operand(output.logSums)
  }

  fileprivate mutating func set(cotangent: Tensor) {
    precondition(cotangent.shape == q, "\(operation): cotangent \(cotangent.shape) for queries \(q)")
    kernel.d = operand(cotangent)
  }

  fileprivate mutating func set(_ tangents: AttentionTangents) {
    for (name, tangent, shape) in [("q", tangents.q, q), ("k", tangents.k, k), ("v", tangents.v, k)] {
      precondition(
        tangent == nil || tangent!.shape == shape,
        "\(operation): tangent of \(name) \(tangent!.shape), not \(shape)")
    }
    kernel.q_tangent = tangents.q.map { operand($0) }
    kernel.k_tangent = tangents.k.map { operand($0) }
    kernel.v_tangent = tangents.v.map { operand($0) }
  }

  private func check(_ output: AttentionOutput) {
    precondition(
      output.values.shape == q && output.logSums.shape == sums,
      "\(operation): output \(output.values.shape), \(output.logSums.shape) for queries \(q)")
  }

  /// Runs a pass that gives an output or its tangent.
  fileprivate mutating func output(_ pass: Pass) -> AttentionOutput {
    let output = AttentionOutput(values: Tensor(q) { _ in }, logSums: Tensor(sums) { _ in })
    kernel.o_result = result(output.values)
    kernel.log_sum_result = result(output.logSums)
    run(pass)
    return output
  }

  /// Runs a pass that gives gradients or their tangents.
  fileprivate mutating func gradients(_ pass: Pass) -> (q: Tensor, k: Tensor, v: Tensor) {
    let (dq, dk, dv) = (Tensor(q) { _ in }, Tensor(k) { _ in }, Tensor(k) { _ in })
    kernel.q_result = result(dq)
    kernel.k_result = result(dk)
    kernel.v_result = result(dv)
    runByKey(pass)
    return (dq, dk, dv)
  }
}
