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

    let parameters = Parameters(weights), cache = model.makeCache()
    var draws = Random(key: 4)
    let shape: Shape = [1, 1, 2, 4, 3]
    var latent = Variable(start.reshaped(shape))
    let given = FrameConditions(
      previous: Variable(.zeros(shape)), actions: [0], contextNoise: Variable(.zeros([1, 1])))
    _ = model.step(latent, r: 0, t: 0, given, frame: 0, cache: cache, parameters)
    for (frame, action) in [(1, 1), (2, 0), (3, 1), (4, 1)] {
      let noised = latent + 0.25 * Variable(draws.normal(shape))
      let conditions = FrameConditions(
        previous: noised, actions: [Int32(action)], contextNoise: Variable(Tensor([0.25], shape: [1, 1])))
      var z = Variable(draws.normal(shape))
      for step in 0..<steps {
        let t = Float(steps - step) / Float(steps), r = Float(steps - step - 1) / Float(steps)
        let clean = model.step(
          z, r: kind == .euler ? t : r, t: t, conditions, frame: frame, cache: cache, parameters)
        z = z - (t - r) * ((1 / t) * (z - clean))
      }
      latent = z
      let found = generator.next(stream, action: action, steps: steps).elements
      #expect(zip(found, z.tensor.elements).allSatisfy { abs($0 - $1) < 1e-4 }, "frame \(frame)")
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
