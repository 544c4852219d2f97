// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowNN
import FlowTensor
import Testing

@Suite("The causal transformer")
struct TransformerTests {
  static func configuration(window: Int, sink: Int) -> CausalTransformerConfiguration {
    CausalTransformerConfiguration(
      latentHeight: 4, latentWidth: 4, latentChannels: 2, width: 24, layers: 2, heads: 2, actions: 3,
      window: window,
      sink: sink)
  }

  static let frames = 10

  @Test(
    "frame by frame through the cache it gives what it gives at once, at every frame",
    arguments: [(3, 1), (1, 0), (2, 3), (4, 0), (20, 1)])
  func cached(extents: (window: Int, sink: Int)) {
    let model = CausalTransformer(Self.configuration(window: extents.window, sink: extents.sink))
    let weights = randomWeights(model.layout, seed: 1)
    let batch = FrameBatch(model.configuration, batch: 1, frames: Self.frames, seed: 2)
    let whole = batch.output(model, Parameters(weights), positions: Array(0..<Self.frames)).tensor
    let compiled = CompiledTransformer(model, weights: weights, precision: .float32)
    let stream = compiled.makeStream()
    for frame in 0..<Self.frames {
      let step = batch.step(compiled, stream, frame: frame)
      let difference = distance(step, whole.slice(axis: 1, frame..<frame + 1))
      #expect(difference < 1e-4, "frame \(frame)")
    }
  }

  @Test("a longer window or another sink gives other frames, from the first that they reach on")
  func discriminates() {
    let outputs = [(3, 1), (20, 1), (3, 0)].map { window, sink in
      let model = CausalTransformer(Self.configuration(window: window, sink: sink))
      let batch = FrameBatch(model.configuration, batch: 1, frames: Self.frames, seed: 2)
      return batch.output(
        model, Parameters(randomWeights(model.layout, seed: 1)), positions: Array(0..<Self.frames)
      ).tensor
    }
    // Window 3 and sink 1: frame 4 is the first that does not see frame 1, frame 3 the first that needs the sink.
    for (other, first) in [(outputs[1], 4), (outputs[2], 3)] {
      for frame in 0..<Self.frames {
        let range = frame..<frame + 1
        let difference = distance(outputs[0].slice(axis: 1, range), other.slice(axis: 1, range))
        #expect(frame < first ? difference < 1e-5 : difference > 1e-2, "frame \(frame): \(difference)")
      }
    }
  }

  @Test("a frame that is evaluated again takes the place of its first evaluation")
  func reevaluation() {
    let model = CausalTransformer(Self.configuration(window: 3, sink: 1))
    let compiled = CompiledTransformer(
      model, weights: randomWeights(model.layout, seed: 1), precision: .float32)
    let batch = FrameBatch(model.configuration, batch: 1, frames: 7, seed: 2)
    let draft = FrameBatch(model.configuration, batch: 1, frames: 7, seed: 3)
    let (once, often) = (compiled.makeStream(), compiled.makeStream())
    for frame in 0..<7 {
      let wanted = batch.step(compiled, once, frame: frame)
      #expect(distance(wanted, draft.step(compiled, often, frame: frame)) > 1e-2)
      #expect(batch.step(compiled, often, frame: frame).elements == wanted.elements)
    }
  }

  @Test("shifting all frames in time changes nothing", arguments: [1, 1000, 100_000])
  func shift(by offset: Int) {
    let model = CausalTransformer(Self.configuration(window: 3, sink: 1))
    let parameters = Parameters(randomWeights(model.layout, seed: 4))
    let batch = FrameBatch(model.configuration, batch: 2, frames: 5, seed: 5)
    let positions = [0, 1, 2, 5, 6]
    let here = batch.output(model, parameters, positions: positions).tensor
    let there = batch.output(model, parameters, positions: positions.map { $0 + offset }).tensor
    let stretched = batch.output(model, parameters, positions: positions.map { 2 * $0 }).tensor
    #expect(distance(here, there) < 1e-4)
    #expect(distance(here, stretched) > 1e-3)
  }

  @Test("no frame depends on a later one, nor one sequence on another")
  func causality() {
    let model = CausalTransformer(Self.configuration(window: 3, sink: 1))
    let parameters = Parameters(randomWeights(model.layout, seed: 4))
    let batch = FrameBatch(model.configuration, batch: 2, frames: 6, seed: 5)
    let whole = batch.output(model, parameters, positions: Array(0..<6)).tensor.rows(0..<1)
    let other = FrameBatch(model.configuration, batch: 1, frames: 6, seed: 6)
    let noisy = Tensor.concatenate(
      [batch.noisy.rows(0..<1).slice(axis: 1, 0..<4), other.noisy.slice(axis: 1, 4..<6)], axis: 1)
    let alone = model(
      Variable(noisy), r: Variable(batch.r.rows(0..<6)), t: Variable(batch.t.rows(0..<6)),
      FrameConditions(
        previous: Variable(batch.previous.rows(0..<1)), actions: Array(batch.actions[..<6]),
        contextNoise: Variable(batch.noise.rows(0..<6))),
      positions: Array(0..<6), parameters
    ).tensor
    #expect(distance(whole.slice(axis: 1, 0..<4), alone.slice(axis: 1, 0..<4)) < 1e-5)
    #expect(distance(whole.slice(axis: 1, 4..<6), alone.slice(axis: 1, 4..<6)) > 1e-2)
  }

  @Test("a fresh transformer predicts the latent before")
  func fresh() {
    let model = CausalTransformer(Self.configuration(window: 3, sink: 1))
    let batch = FrameBatch(model.configuration, batch: 2, frames: 3, seed: 7)
    let output = batch.output(model, Parameters(model.layout.initialize(seed: 1)), positions: [0, 1, 2])
    #expect(output.tensor.elements == batch.previous.elements)
  }

  @Test("fresh weights are those of the seed")
  func seeds() {
    let layout = CausalTransformer(Self.configuration(window: 3, sink: 1)).layout
    let weights = { (seed: UInt64) in layout.initialize(seed: seed).flatMap(\.elements) }
    #expect(weights(1).count == layout.count)
    #expect(weights(1) == weights(1))
    #expect(weights(1) != weights(2))
  }

  @Test("the cache's size is what is announced")
  func bytes() {
    let configuration = Self.configuration(window: 3, sink: 1)
    // Layers, heads; keys and values of 16 tokens padded to 64 and of 12 channels padded to 16; scales and offsets.
    let sizes: [(InferencePrecision, Int)] = [(.float32, 4), (.bfloat16, 2), (.int8, 1)]
    for (precision, element) in sizes {
      #expect(configuration.cacheByteCount(precision) == 2 * 2 * 64 * (2 * 16 * element + 3 * 4))
    }
  }
}
