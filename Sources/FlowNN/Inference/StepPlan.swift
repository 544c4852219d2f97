// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// A buffer of rows that a plan works on, a row a token.
enum PlanBuffer: Sendable {
  /// The tokens themselves, which blocks add to.
  case tokens
  /// The tokens after a norm.
  case normed
  /// What a linear layer made: several layers side by side, hidden channels, or patches.
  case wide
  /// Queries, normed and rotated.
  case queries
  /// What attention made of the queries.
  case attended
}

/// Something that is done to rows of tokens without looking at other tokens.
enum RowOperation: Sendable {
  /// activation(x·Wᵀ + b).
  case linear(PackedLinear, from: PlanBuffer, into: PlanBuffer, Activation?)
  /// tokens += gate·(x·Wᵀ + b).
  case gatedLinear(PackedLinear, from: PlanBuffer, gate: Int)
  /// What a row's stream decides.
  case perStream(StreamOperation)
}

/// Something that is done to rows of one stream.
enum StreamOperation: Sendable {
  /// Patches of the noisy latent beside the latent before, into `wide`.
  case gatherPatches
  /// Tokens into `normed`.
  case modulatedNorm(shift: Int, scale: Int)
  /// Queries, keys and values side by side in `wide`: queries into `queries`, keys and values into the cache.
  case splitHeads(AttentionPart)
  /// z ← keep·z + take·(previous + change), the change in `wide`.
  case scatterPatches
}

/// What a block's attention needs beside its linear layers.
struct AttentionPart: Sendable {
  let block: Int
  /// The weights of the norms of queries and keys.
  let normQ: ConstantVector
  let normK: ConstantVector
}

/// The network as a list of segments, made once and run at every step.
///
/// Within a segment nothing looks at another token, so a task carries its rows through all of it while they are in
/// cache; attention, which does look, begins a new segment. A block takes two parallel runs and no more.
struct StepPlan: Sendable {
  /// Attention of block `attention`, if any, then operations on rows.
  struct Segment: Sendable {
    var attention: Int?
    var operations: [RowOperation]
  }

  let segments: [Segment]
  /// Floats in a row of `wide`.
  let wideStride: Int
  /// Bytes that the activations of a row take at most.
  let rowByteCount: Int
}
