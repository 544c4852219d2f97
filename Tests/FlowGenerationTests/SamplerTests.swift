// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowGeneration
import FlowNN
import FlowTensor
import Testing

@Suite("The sampler of latents")
struct SamplerTests {
  @Test(
    "a frame is the schedule's jumps written out, with what each kind asks the network for",
    arguments: [SamplerKind.jumps, .euler], [1, 2, 3])
  func schedule(kind: SamplerKind, steps: Int) {
    let model = CausalTransformer(tinyManifest().transformer)
    let weights = randomWeights(model.layout, seed: 1)
    let generator = LatentGenerator(model, weights: weights, contextNoise: 0.25, sampler: kind)
    var random = Random(key: 9)
    let start = random.normal(generator.latentShape)
    let stream = generator.begin(start, seed: 4)

    // The same in variables, all frames at once: what has been generated stands at its place, the frame at hand last.
    var draws = Random(key: 4)
    let shape: Shape = [1, 1, 2, 4, 3]
    var history = History(latent: Variable(start.reshaped(shape)), previous: Variable(.zeros(shape)))
    for (frame, action) in [(1, 1), (2, 0)] {
      let noised = history.latent + 0.25 * Variable(draws.normal(shape))
      var z = Variable(draws.normal(shape))
      var last = history
      for step in 0..<steps {
        let t = Float(steps - step) / Float(steps), r = Float(steps - step - 1) / Float(steps)
        last = history.appending(z, previous: noised, r: kind == .euler ? t : r, t: t, action: action)
        let clean = last.prediction(model, Parameters(weights))
        z = z - (t - r) * ((1 / t) * (z - clean))
      }
      let found = generator.next(stream, action: action, steps: steps).elements
      #expect(zip(found, z.tensor.elements).allSatisfy { abs($0 - $1) < 1e-4 }, "frame \(frame)")
      history = last.ending(with: z)
    }
  }

  @Test("a stream that observes goes on from what it saw")
  func observing() {
    let model = CausalTransformer(tinyManifest().transformer)
    let generator = LatentGenerator(model, weights: randomWeights(model.layout, seed: 1), contextNoise: 0)
    var random = Random(key: 9)
    let frames = (0..<4).map { _ in random.normal(generator.latentShape) }
    let next = { (seen: [Tensor]) in
      let stream = generator.begin(seen[0], seed: 4)
      for latent in seen.dropFirst() { generator.observe(stream, latent, action: 1) }
      #expect(stream.frame == seen.count - 1)
      return generator.next(stream, action: 0, steps: 1).elements
    }
    #expect(next(frames) == next(frames))
    #expect(next(frames) != next([frames[0], frames[2], frames[2], frames[3]]), "the window is not seen")
    #expect(next(frames) != next([frames[1], frames[1], frames[2], frames[3]]), "the sink is not seen")
  }
}

/// What the cache of a stream stands for: every frame as the last evaluation saw it.
private struct History {
  /// The latent that the last frame has come to.
  private(set) var latent: Variable
  private var noisy: [Variable]
  private var previous: [Variable]
  private var r: [Float] = [0]
  private var t: [Float] = [0]
  private var noise: [Float] = [0]
  private var actions: [Int32] = [0]

  /// A given first frame.
  init(latent: Variable, previous: Variable) {
    self.latent = latent
    noisy = [latent]
    self.previous = [previous]
  }

  func appending(_ z: Variable, previous noised: Variable, r: Float, t: Float, action: Int) -> History {
    var copy = self
    copy.noisy.append(z)
    copy.previous.append(noised)
    copy.r.append(r)
    copy.t.append(t)
    copy.noise.append(0.25)
    copy.actions.append(Int32(action))
    return copy
  }

  func ending(with latent: Variable) -> History {
    var copy = self
    copy.latent = latent
    return copy
  }

  /// The network's prediction of the last frame.
  func prediction(_ model: CausalTransformer, _ parameters: Parameters) -> Variable {
    let count = noisy.count
    let column = { (values: [Float]) in Variable(Tensor(values, shape: [count, 1])) }
    let conditions = FrameConditions(
      previous: concatenate(previous, axis: 1), actions: actions, contextNoise: column(noise))
    return model(
      concatenate(noisy, axis: 1), r: column(r), t: column(t), conditions, positions: Array(0..<count),
      parameters
    ).slice(axis: 1, count - 1..<count)
  }
}
