// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// What a transformer is made of: the same network runs on variables, to be trained, and on a plan, to be fast.
///
/// Modulations are numbered, six a block and two for the head: shift, scale and gate of the attention, the same of the
/// feed-forward network.
protocol TransformerArithmetic {
  /// Tokens, or what a layer has made of them.
  associatedtype Value

  /// (x − mean)/√(var + ε)·(1 + scale) + shift, by the modulations of these numbers.
  func modulatedNorm(_ x: Value, shift: Int, scale: Int) -> Value
  /// activation(x·Wᵀ + b).
  func linear(_ x: Value, _ layer: LinearLayer, activation: LinearActivation) -> Value
  /// Self-attention of tokens that `layers` makes queries, keys and values of.
  func attention(_ x: Value, _ layers: AttentionLayers) -> Value
  /// x + gate·(y·Wᵀ + b).
  func adding(_ x: Value, gate: Int, _ layer: LinearLayer, of y: Value) -> Value

  /// A layer of a modulated norm, which none but it needs.
  func linear(_ x: Value, shift: Int, scale: Int, _ layer: LinearLayer) -> Value
  /// Self-attention of a modulated norm, which none but it needs.
  func attention(_ x: Value, shift: Int, scale: Int, _ layers: AttentionLayers) -> Value
  /// x + gate·(gelu(n·Uᵀ + a)·Dᵀ + b) with n a modulated norm of x.
  func addingFeedForward(_ x: Value, shift: Int, scale: Int, gate: Int, up: LinearLayer, down: LinearLayer)
    -> Value
}

extension TransformerArithmetic {
  func linear(_ x: Value, shift: Int, scale: Int, _ layer: LinearLayer) -> Value {
    linear(modulatedNorm(x, shift: shift, scale: scale), layer, activation: .identity)
  }

  func attention(_ x: Value, shift: Int, scale: Int, _ layers: AttentionLayers) -> Value {
    attention(modulatedNorm(x, shift: shift, scale: scale), layers)
  }

  func addingFeedForward(
    _ x: Value, shift: Int, scale: Int, gate: Int, up: LinearLayer, down: LinearLayer
  ) -> Value {
    let hidden = linear(modulatedNorm(x, shift: shift, scale: scale), up, activation: .gelu)
    return adding(x, gate: gate, down, of: hidden)
  }
}

/// The parameters that make queries, keys and values; queries and keys pass a root-mean-square norm and are rotated.
struct AttentionLayers: Sendable {
  /// The number of the block, from 0.
  let block: Int
  let q: LinearLayer
  let k: LinearLayer
  let v: LinearLayer
  let normQ: Parameter
  let normK: Parameter
}

/// The ε of every norm.
let normEpsilon: Float = 1e-6
