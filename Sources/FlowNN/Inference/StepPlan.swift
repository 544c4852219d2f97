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
  /// Patches of the noisy latent beside the latent before, into `wide`.
  case gatherPatches
  /// activation(x·Wᵀ + b).
  case linear(PackedLinear, from: PlanBuffer, into: PlanBuffer, LinearActivation)
  /// tokens += gate·(x·Wᵀ + b).
  case gatedLinear(PackedLinear, from: PlanBuffer, gate: Int)
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

/// Makes the plan of a transformer by running its definition once.
final class StepPlanBuilder: TransformerArithmetic {
  private let parameters: [Tensor]
  private let precision: InferencePrecision
  private let arena = WeightArena()
  private var segments = [StepPlan.Segment(attention: nil, operations: [.gatherPatches])]
  private var layers: [PackedLinear] = []

  init(parameters: [Tensor], precision: InferencePrecision) {
    self.parameters = parameters
    self.precision = precision
  }

  /// The plan of what has been asked for, `patchWidth` the numbers of a token's patches.
  func finish(patchWidth: Int) -> StepPlan {
    emit(.scatterPatches)
    return StepPlan(
      segments: segments, wideStride: max(patchWidth, layers.map(\.outputs).max() ?? 0),
      rowByteCount: layers.map(\.rowByteCount).max() ?? 0)
  }

  func linear(_ x: PlanBuffer, _ layer: LinearLayer) -> PlanBuffer {
    precondition(x == .wide, "StepPlan: a linear layer of \(x)")
    emit(.linear(pack([layer]), from: .wide, into: .tokens, .identity))
    return .tokens
  }

  func modulatedLinear(_ x: PlanBuffer, shift: Int, scale: Int, _ layer: LinearLayer) -> PlanBuffer {
    modulated(x, shift: shift, scale: scale, [layer], .identity)
  }

  func attention(_ x: PlanBuffer, shift: Int, scale: Int, _ a: AttentionLayers) -> PlanBuffer {
    _ = modulated(x, shift: shift, scale: scale, [a.q, a.k, a.v], .identity)
    emit(
      .splitHeads(
        AttentionPart(
          block: a.block, normQ: ConstantVector(parameters[a.normQ.index]),
          normK: ConstantVector(parameters[a.normK.index]))))
    segments.append(StepPlan.Segment(attention: a.block, operations: []))
    return .attended
  }

  func adding(_ x: PlanBuffer, gate: Int, _ layer: LinearLayer, of y: PlanBuffer) -> PlanBuffer {
    precondition(x == .tokens, "StepPlan: an addition to \(x)")
    emit(.gatedLinear(pack([layer]), from: y, gate: gate))
    return .tokens
  }

  func addingFeedForward(
    _ x: PlanBuffer, shift: Int, scale: Int, gate: Int, up: LinearLayer, down: LinearLayer
  ) -> PlanBuffer {
    adding(x, gate: gate, down, of: modulated(x, shift: shift, scale: scale, [up], .gelu))
  }

  /// The layers, side by side, of the modulated norm of the tokens.
  private func modulated(
    _ x: PlanBuffer, shift: Int, scale: Int, _ layers: [LinearLayer], _ activation: LinearActivation
  ) -> PlanBuffer {
    precondition(x == .tokens, "StepPlan: a norm of \(x)")
    emit(.modulatedNorm(shift: shift, scale: scale))
    emit(.linear(pack(layers), from: .normed, into: .wide, activation))
    return .wide
  }

  private func emit(_ operation: RowOperation) {
    segments[segments.count - 1].operations.append(operation)
  }

  private func pack(_ declared: [LinearLayer]) -> PackedLinear {
    let layer = PackedLinear(
      declared.map { (parameters[$0.weight.index], parameters[$0.bias.index]) }, precision: precision,
      in: arena)
    layers.append(layer)
    return layer
  }
}
