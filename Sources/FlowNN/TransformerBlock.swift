// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowTensor

/// Self-attention and a feed-forward network, each behind a modulated norm and a gate.
struct TransformerBlock: Sendable {
  private let width: Int
  private let heads: Int
  private let modulation: Parameter
  private let q: LinearLayer
  private let k: LinearLayer
  private let v: LinearLayer
  private let o: LinearLayer
  private let normQ: Parameter
  private let normK: Parameter
  private let up: LinearLayer
  private let down: LinearLayer

  init(_ layout: inout ParameterLayout, _ name: String, width: Int, heads: Int) {
    self.width = width
    self.heads = heads
    modulation = layout.declare("\(name).modulation", [1, 6, width], .normal(0.02))
    q = LinearLayer(&layout, "\(name).self_attn.q", input: width, output: width)
    k = LinearLayer(&layout, "\(name).self_attn.k", input: width, output: width)
    v = LinearLayer(&layout, "\(name).self_attn.v", input: width, output: width)
    o = LinearLayer(&layout, "\(name).self_attn.o", input: width, output: width)
    normQ = layout.declare("\(name).self_attn.norm_q.weight", [width], .ones)
    normK = layout.declare("\(name).self_attn.norm_k.weight", [width], .ones)
    up = LinearLayer(&layout, "\(name).ffn.0", input: width, output: 4 * width)
    down = LinearLayer(&layout, "\(name).ffn.2", input: 4 * width, output: width)
  }

  /// - Parameters:
  ///   - x: [rows, tokens, width], a row a frame.
  ///   - condition: [rows, 6, width], shared by all blocks.
  ///   - attend: attention over the rotated queries and keys and the values, [batch, tokens of all frames, heads, …].
  func callAsFunction(
    _ x: Variable, _ condition: Variable, _ angles: RotaryAngles, batch: Int, _ p: Parameters,
    attend: (Variable, Variable, Variable) -> Variable
  ) -> Variable {
    let e = (condition + p[modulation]).unstacked(axis: 1)  // 6 × [rows, width]
    let sequence: Shape = [batch, x.shape[0] / batch * x.shape[1], heads, width / heads]

    let h = x.modulatedLinear(scale: e[1], shift: e[0], layers: [q, k, v].map { $0.values(p) })
    let queries = h[0].rmsNorm(weight: p[normQ]).reshaped(sequence).rotated(
      cosine: angles.cosine, sine: angles.sine)
    let keys = h[1].rmsNorm(weight: p[normK]).reshaped(sequence).rotated(
      cosine: angles.cosine, sine: angles.sine)
    let attended = attend(queries, keys, h[2].reshaped(sequence)).reshaped(x.shape)
    let (weight, bias) = o.values(p)
    return x.addingLinear(attended, gate: e[2], weight: weight, bias: bias).addingFeedForward(
      scale: e[4], shift: e[3], gate: e[5], up: up.values(p), down: down.values(p), activation: .gelu)
  }
}
