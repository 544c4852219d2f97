// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// Makes the plan of a transformer by running its definition once.
final class StepPlanBuilder: TransformerArithmetic {
  private let parameters: [Tensor]
  private let precision: InferencePrecision
  private let arena: WeightArena
  private var segments = [StepPlan.Segment(attention: nil, operations: [.perStream(.gatherPatches)])]
  private var layers: [PackedLinear] = []

  init(parameters: [Tensor], precision: InferencePrecision, in arena: WeightArena) {
    self.arena = arena
    self.parameters = parameters
    self.precision = precision
  }

  /// The plan of what has been asked for, `patchWidth` the numbers of a token's patches.
  func finish(patchWidth: Int) -> StepPlan {
    emit(.perStream(.scatterPatches))
    return StepPlan(
      segments: segments, wideStride: max(patchWidth, layers.map(\.outputs).max() ?? 0),
      rowByteCount: layers.map(\.rowByteCount).max() ?? 0)
  }

  func linear(_ x: PlanBuffer, _ layer: LinearLayer) -> PlanBuffer {
    precondition(x == .wide, "StepPlan: a linear layer of \(x)")
    emit(.linear(pack([layer]), from: .wide, into: .tokens, nil))
    return .tokens
  }

  func modulatedLinear(_ x: PlanBuffer, shift: Int, scale: Int, _ layer: LinearLayer) -> PlanBuffer {
    modulated(x, shift: shift, scale: scale, [layer], nil)
  }

  func attention(_ x: PlanBuffer, shift: Int, scale: Int, _ a: AttentionLayers) -> PlanBuffer {
    _ = modulated(x, shift: shift, scale: scale, [a.q, a.k, a.v], nil)
    let part = AttentionPart(
      block: a.block, normQ: ConstantVector(parameters[a.normQ.index]),
      normK: ConstantVector(parameters[a.normK.index]))
    emit(.perStream(.splitHeads(part)))
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
    _ x: PlanBuffer, shift: Int, scale: Int, _ layers: [LinearLayer], _ activation: Activation?
  ) -> PlanBuffer {
    precondition(x == .tokens, "StepPlan: a norm of \(x)")
    emit(.perStream(.modulatedNorm(shift: shift, scale: scale)))
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
