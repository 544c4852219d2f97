// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
public import FlowTensor
internal import Synchronization

/// One stream's part of a step of a ``CompiledTransformer``.
public struct EvaluationRequest {
  let stream: TransformerStream
  let frame: Int
  let conditions: EvaluationConditions
  let keep: Float
  let take: Float

  /// Asks for z ← keep·z + take·x̂, where x̂ is the prediction of the clean latent of frame `frame`.
  public init(
    _ stream: TransformerStream, frame: Int, _ conditions: EvaluationConditions, keep: Float, take: Float
  ) {
    self.stream = stream
    self.frame = frame
    self.conditions = conditions
    self.keep = keep
    self.take = take
  }
}

/// The requests of one step, on their way to the network.
package struct EvaluationBatch: ~Copyable {
  fileprivate let run: StepRun
  fileprivate let modulations: ModulationTable

  /// Adds one stream's part.
  package func append(_ request: EvaluationRequest) {
    run.streams.append(
      StepStream(
        stream: request.stream, modulations: modulations.row(request.conditions), frame: request.frame,
        keep: request.keep, take: request.take))
  }
}

/// A ``CausalTransformer`` made ready to generate: weights packed in a precision, all that depends on times and actions
/// folded into a table, buffers taken in advance.
///
/// A step evaluates one frame of each of several streams, whose caches may be filled to different lengths. After the
/// first step of a batch and schedule nothing is allocated.
public final class CompiledTransformer: Sendable {
  /// The network's shape.
  public let configuration: CausalTransformerConfiguration
  /// How weights and caches are stored.
  public let precision: InferencePrecision

  /// Safe to send: used under the lock alone.
  private struct State: @unchecked Sendable {
    let run: StepRun
    let modulations: ModulationTable
  }
  private let state: Mutex<State>

  /// Packs the weights of a model, given in the order of its layout; of those it keeps what modulations are made of.
  public init(_ model: CausalTransformer, weights: [Tensor], precision: InferencePrecision) {
    let c = model.configuration
    let sizes = PackedSizes(model, precision)
    let builder = StepPlanBuilder(
      parameters: weights, precision: precision, in: WeightArena(reserving: sizes.byteCount))
    let change = model.predictedChange(.wide, builder)
    precondition(change == .wide, "CompiledTransformer: the head's output is in \(change)")
    let plan = builder.finish(patchWidth: 8 * c.latentChannels)
    configuration = c
    self.precision = precision
    let nothing = Tensor.zeros([0])
    let rest = weights.enumerated().map { sizes.packed.contains($0.offset) ? nothing : $0.element }
    state = Mutex(
      State(
        run: StepRun(c, plan: plan),
        modulations: ModulationTable(model, parameters: Parameters(rest))))
  }

  /// A stream with an empty cache.
  public func makeStream() -> TransformerStream { TransformerStream(configuration, precision: precision) }

  /// Evaluates one frame of each of these streams, each at most once.
  public func step(_ requests: [EvaluationRequest]) {
    step(beforeBlocks: {}) { batch in
      for request in requests { batch.append(request) }
    }
  }

  /// The same with a batch that `fill` makes request by request: no array is needed.
  ///
  /// `check` is called before each block and once more before the first of them, and ends the step by throwing: the
  /// streams' latents then stand where they stood, and the same step may be asked for again.
  package func step<Stop: Error>(
    beforeBlocks check: () throws(Stop) -> Void, _ fill: (borrowing EvaluationBatch) -> Void
  ) throws(Stop) {
    try state.withLock { state throws(Stop) in
      fill(EvaluationBatch(run: state.run, modulations: state.modulations))
      defer { state.run.streams.removeAll(keepingCapacity: true) }
      try state.run.run(beforeBlocks: check)
    }
  }
}
