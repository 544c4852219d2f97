// SPDX-License-Identifier: Apache-2.0

/// What a transformer is made of: the same network runs on variables, to be trained, and on a plan, to be fast.
///
/// Modulations are numbered, six a block and two for the head: shift, scale and gate of the attention, the same of the
/// feed-forward network. A modulated norm is (x − mean)/√(var + ε)·(1 + scale) + shift.
protocol TransformerArithmetic {
  /// Tokens, or what a layer has made of them.
  associatedtype Value

  /// x·Wᵀ + b.
  func linear(_ x: Value, _ layer: LinearLayer) -> Value
  /// norm(x)·Wᵀ + b, the norm modulated.
  func modulatedLinear(_ x: Value, shift: Int, scale: Int, _ layer: LinearLayer) -> Value
  /// Self-attention of what `layers` make of the modulated norm of x.
  func attention(_ x: Value, shift: Int, scale: Int, _ layers: AttentionLayers) -> Value
  /// x + gate·(y·Wᵀ + b).
  func adding(_ x: Value, gate: Int, _ layer: LinearLayer, of y: Value) -> Value
  /// x + gate·down(gelu(up(norm(x)))), the norm modulated.
  func addingFeedForward(
    _ x: Value, shift: Int, scale: Int, gate: Int, up: LinearLayer, down: LinearLayer
  ) -> Value
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
