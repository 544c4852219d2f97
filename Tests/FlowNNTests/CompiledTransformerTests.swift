// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowNN
import FlowTensor
import Testing

@Suite("The compiled transformer")
struct CompiledTransformerTests {
  /// Shapes around the kernels' blocks: heads that are no multiple of a vector, more tokens than a block of queries,
  /// more keys than a block of keys, widths that fill no panel.
  static let configurations: [CausalTransformerConfiguration] = [
    .init(
      latentHeight: 4, latentWidth: 6, latentChannels: 3, width: 20, layers: 2, heads: 2, actions: 2,
      window: 3,
      sink: 1),
    .init(
      latentHeight: 12, latentWidth: 14, latentChannels: 2, width: 64, layers: 2, heads: 2, actions: 2,
      window: 3, sink: 0),
    .init(
      latentHeight: 4, latentWidth: 4, latentChannels: 4, width: 36, layers: 1, heads: 3, actions: 2,
      window: 20,
      sink: 2),
  ]

  /// Relative distances of the predicted change: rounding of 8 and of 7 bits, through a few layers.
  static let bounds: [(InferencePrecision, Float)] = [(.float32, 1e-5), (.bfloat16, 1.5e-2), (.int8, 4e-2)]

  @Test(
    "agrees with the network on variables as far as its precision goes, at every frame",
    arguments: configurations,
    bounds)
  func precision(configuration: CausalTransformerConfiguration, bound: (InferencePrecision, Float)) {
    let model = CausalTransformer(configuration)
    let weights = randomWeights(model.layout, seed: 1), frames = 6
    let batch = FrameBatch(configuration, batch: 1, frames: frames, seed: 2)
    let whole = batch.output(model, Parameters(weights), positions: Array(0..<frames)).tensor
    let compiled = CompiledTransformer(model, weights: weights, precision: bound.0)
    let stream = compiled.makeStream()
    for frame in 0..<frames {
      let range = frame..<frame + 1, previous = batch.previous.slice(axis: 1, range)
      let wanted = Tensor.combine(.subtract, whole.slice(axis: 1, range), previous)
      let found = Tensor.combine(.subtract, batch.step(compiled, stream, frame: frame), previous)
      let error = Tensor.combine(.subtract, found, wanted).sumOfSquares / wanted.sumOfSquares
      #expect(error.squareRoot() < Double(bound.1), "frame \(frame)")
    }
  }

  @Test(
    "streams of different lengths in one step get what they get alone, to the bit",
    arguments: InferencePrecision.allCases)
  func batched(precision: InferencePrecision) {
    let configuration = Self.configurations[0], model = CausalTransformer(configuration)
    let weights = randomWeights(model.layout, seed: 1)
    let batch = FrameBatch(configuration, batch: 3, frames: 7, seed: 2)
    let run = { (together: Bool) -> [[Float]] in
      let compiled = CompiledTransformer(model, weights: weights, precision: precision)
      let streams = (0..<3).map { _ in compiled.makeStream() }
      // The streams are 0, 2 and 4 frames ahead.
      for (sequence, stream) in streams.enumerated() {
        for frame in 0..<2 * sequence {
          compiled.step([batch.request(stream, frame: frame, sequence: sequence)])
        }
      }
      let requests = { streams.enumerated().map { batch.request($1, frame: 2 * $0, sequence: $0) } }
      if together {
        compiled.step(requests())
      } else {
        for request in requests() { compiled.step([request]) }
      }
      return streams.map { batch.result($0).elements }
    }
    #expect(run(true) == run(false))
  }

  @Test("z moves from where it was towards the prediction by the shares asked for")
  func shares() {
    let configuration = Self.configurations[0], model = CausalTransformer(configuration)
    let batch = FrameBatch(configuration, batch: 1, frames: 1, seed: 2)
    let compiled = CompiledTransformer(
      model, weights: randomWeights(model.layout, seed: 1), precision: .float32)
    let prediction = batch.step(compiled, compiled.makeStream(), frame: 0)
    let stream = compiled.makeStream()
    let conditions = EvaluationConditions(
      r: batch.r.item, t: batch.t.item, contextNoise: batch.noise.item, action: Int(batch.actions[0]))
    _ = batch.request(stream, frame: 0)
    compiled.step([EvaluationRequest(stream, frame: 0, conditions, keep: 0.25, take: 0.75)])
    let wanted = Tensor.combine(
      .add, batch.noisy.affine(scale: 0.25), prediction.affine(scale: 0.75))
    #expect(distance(batch.result(stream), wanted) < 1e-5)
  }
}
