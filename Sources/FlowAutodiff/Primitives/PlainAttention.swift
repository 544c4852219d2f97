// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// What ``Attend`` computes of q, k, v, in primitives: P·v with P = softmax(q·kᵀ/√width + bias)∘visible.
///
/// The bias of hidden pairs is finite, so that a query which sees no key has weights to hide; its output and its
/// derivatives are zero.
///
/// - Complexity: memory for several matrices [queries, keys] a head.
func plainAttention(_ inputs: [Variable], mask: AttentionMask) -> Variable {
  let (q, k, v) = (inputs[0], inputs[1], inputs[2])
  let byHead = [0, 2, 1, 3]
  let visible = mask.visible(queries: q.shape[1], keys: k.shape[1])  // [queries, keys]
  // [batch, heads, queries, keys]
  let scores = matmul(q.permuted(byHead), k.permuted(byHead), transposeB: true)
  let scale = 1 / Float(q.shape[3]).squareRoot()
  let masked = scale * scores + Variable(visible.affine(scale: 1e30, shift: -1e30))
  return matmul(masked.softmax() * Variable(visible), v.permuted(byHead)).permuted(byHead)
}
