// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowTensor

/// What six modulations of a block, or two of a head, are made of: a layer over the condition, or where conditions are
/// tokens, parameters alone.
private struct PictureModulation: Sendable {
  private enum Source: Sendable {
    case condition(LinearLayer)
    case constant(Parameter)
  }

  private let source: Source
  private let count: Int
  private let width: Int

  init(_ layout: inout ParameterLayout, _ name: String, count: Int, _ c: DiffusionTransformerConfiguration) {
    (self.count, width) = (count, c.width)
    source =
      c.conditionTokens > 0
      ? .constant(layout.declare("\(name).weight", [count, c.width], .zeros))
      : .condition(LinearLayer(&layout, name, input: c.width, output: count * c.width, gain: 0))
  }

  /// Each [batch, width].
  func callAsFunction(_ condition: Variable?, batch: Int, _ p: Parameters) -> [Variable] {
    switch source {
    case .condition(let layer):
      guard let condition else { preconditionFailure("PictureModulation: no condition") }
      return layer(condition, p).reshaped([batch, count, width]).unstacked(axis: 1)
    case .constant(let parameter):
      return p[parameter].reshaped([1, count, width]).broadcast(to: [batch, count, width]).unstacked(axis: 1)
    }
  }
}

/// A norm, modulated, and a layer from tokens to patches.
struct PictureHead: Sendable {
  private let modulation: PictureModulation
  private let linear: LinearLayer

  init(_ layout: inout ParameterLayout, _ name: String, _ c: DiffusionTransformerConfiguration) {
    modulation = PictureModulation(&layout, "\(name).modulation", count: 2, c)
    linear = LinearLayer(&layout, "\(name).linear", input: c.width, output: c.patchCount, gain: 0)
  }

  func callAsFunction(_ x: Variable, _ condition: Variable?, _ p: Parameters) -> Variable {
    let e = modulation(condition, batch: x.shape[0], p)
    return x.modulatedLinear(scale: e[1], shift: e[0], layers: [linear.values(p)])[0]
  }
}

/// Self-attention and a feed-forward network, each behind a modulated norm and a gate.
struct DiffusionBlock: Sendable {
  private let width: Int
  private let heads: Int
  private let modulation: PictureModulation
  private let q: LinearLayer
  private let k: LinearLayer
  private let v: LinearLayer
  private let o: LinearLayer
  private let up: LinearLayer
  private let down: LinearLayer

  init(_ layout: inout ParameterLayout, _ name: String, _ c: DiffusionTransformerConfiguration) {
    let d = c.width
    (width, heads) = (d, c.heads)
    modulation = PictureModulation(&layout, "\(name).modulation", count: 6, c)
    q = LinearLayer(&layout, "\(name).attention.q", input: d, output: d)
    k = LinearLayer(&layout, "\(name).attention.k", input: d, output: d)
    v = LinearLayer(&layout, "\(name).attention.v", input: d, output: d)
    o = LinearLayer(&layout, "\(name).attention.o", input: d, output: d)
    up = LinearLayer(&layout, "\(name).ffn.0", input: d, output: c.expansion * d)
    down = LinearLayer(&layout, "\(name).ffn.2", input: c.expansion * d, output: d)
  }

  /// x [batch, tokens, width] under a condition [batch, width], or under none.
  func callAsFunction(_ x: Variable, _ condition: Variable?, _ p: Parameters) -> Variable {
    let e = modulation(condition, batch: x.shape[0], p)
    let split: Shape = [x.shape[0], x.shape[1], heads, width / heads]
    let h = x.modulatedLinear(scale: e[1], shift: e[0], layers: [q, k, v].map { $0.values(p) })
      .map { $0.reshaped(split) }
    let attended = attention(h[0], h[1], h[2], mask: .none).reshaped(x.shape)
    let (weight, bias) = o.values(p)
    return x.addingLinear(attended, gate: e[2], weight: weight, bias: bias).addingFeedForward(
      scale: e[4], shift: e[3], gate: e[5], up: up.values(p), down: down.values(p), activation: .gelu)
  }
}
