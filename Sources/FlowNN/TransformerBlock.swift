// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// Self-attention and a feed-forward network, each behind a modulated norm and a gate.
struct TransformerBlock: Sendable {
  /// [1, 6, width], added to what all blocks share.
  let modulation: Parameter
  private let attention: AttentionLayers
  private let o: LinearLayer
  private let up: LinearLayer
  private let down: LinearLayer

  init(_ layout: inout ParameterLayout, number: Int, width: Int) {
    let name = "blocks.\(number)"
    let linear = { (layout: inout ParameterLayout, layer: String, input: Int, output: Int) in
      LinearLayer(&layout, "\(name).\(layer)", input: input, output: output)
    }
    modulation = layout.declare("\(name).modulation", [1, 6, width], .normal(0.02))
    let q = linear(&layout, "self_attn.q", width, width)
    let k = linear(&layout, "self_attn.k", width, width)
    let v = linear(&layout, "self_attn.v", width, width)
    o = linear(&layout, "self_attn.o", width, width)
    attention = AttentionLayers(
      block: number, q: q, k: k, v: v,
      normQ: layout.declare("\(name).self_attn.norm_q.weight", [width], .ones),
      normK: layout.declare("\(name).self_attn.norm_k.weight", [width], .ones))
    up = linear(&layout, "ffn.0", width, 4 * width)
    down = linear(&layout, "ffn.2", 4 * width, width)
  }

  func callAsFunction<Arithmetic: TransformerArithmetic>(_ x: Arithmetic.Value, _ a: Arithmetic)
    -> Arithmetic.Value
  {
    let first = 6 * attention.block
    let attended = a.attention(x, shift: first, scale: first + 1, attention)
    let middle = a.adding(x, gate: first + 2, o, of: attended)
    return a.addingFeedForward(
      middle, shift: first + 3, scale: first + 4, gate: first + 5, up: up, down: down)
  }
}
