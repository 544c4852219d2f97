// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowMaps
import FlowTensor
import Testing

/// Card 1: with the exact score, samplers of diffusions make the law.
@Suite("Samplers of diffusions")
struct DiffusionSamplerTests {
  /// E[x given z] of N(0.7, 0.5²) and of the noise, as tensor operations.
  private static func denoiser(_ path: any GaussianPath) -> Denoiser {
    { z, t in
      let p = path.place(at: t), c = 0.25
      let gain = p.data * c / (p.data * p.data * c + p.noise * p.noise)
      let data = Float(gain) * z + Float(0.7 * (1 - gain * p.data))
      return (data, (z - Float(p.data) * data) / Float(p.noise))
    }
  }

  private static let steps: [DiffusionStep] = [
    .ancestral(noise: 1), .ancestral(noise: 0.5), .ancestral(noise: 0), .ancestralWide, .reverseDiffusion,
  ]

  @Test("a thousand steps make mean and deviation", arguments: steps.indices, [0, 1])
  func law(index: Int, path: Int) {
    let path: any GaussianPath = path == 0 ? DiscretePath() : VariancePreservingPath()
    var random = Random(key: 21)
    let count = 50_000, least = path.times.lowerBound, most = path.times.upperBound
    // The last step is to no noise at all, where it is given.
    let times = (0..<1000).map { most + Double($0) / 999 * (least - most) }
    let found = path.sample(
      random.normal([count, 1]), times: times, by: Self.steps[index], &random, denoiser: Self.denoiser(path)
    ).elements
    #expect(abs(mean(found) - 0.7) < 0.01, "mean \(mean(found))")
    #expect(abs(deviation(found) - 0.5) < 0.01, "deviation \(deviation(found))")
  }

  @Test("without noise a step is the same whatever the random numbers, and with it not")
  func chance() {
    let path = VariancePreservingPath(), times = [1, 0.6, 0.2]
    let made = { (step: DiffusionStep, key: UInt64) in
      var random = Random(key: key)
      return path.sample(
        Tensor([0.3, -1], shape: [2, 1]), times: times, by: step, &random, denoiser: Self.denoiser(path)
      ).elements
    }
    #expect(made(.ancestral(noise: 0), 1) == made(.ancestral(noise: 0), 2))
    #expect(made(.ancestral(noise: 1), 1) != made(.ancestral(noise: 1), 2))
    #expect(made(.ancestral(noise: 1), 3) == made(.ancestral(noise: 1), 3))
  }

  @Test("DDIM's step is Euler's of the linear path, by clock and scale")
  func implicit() {
    let path = VariancePreservingPath(), times = [0.9, 0.5]
    var random = Random(key: 1)
    let z: [Float] = [0.4, -1.2]
    let found = path.sample(
      Tensor(z, shape: [2, 1]), times: times, by: .ancestral(noise: 0), &random, denoiser: Self.denoiser(path)
    )
    let (from, to) = (path.place(at: times[0]), path.place(at: times[1])), law = MixtureOnALine.normal
    for (z, found) in zip(z, found.elements) {
      let state = from.linearScale * Double(z)
      let moved = state + (to.linearTime - from.linearTime) * law.velocity(state, from.linearTime)
      #expect(abs(Double(found) * to.linearScale - moved) < 1e-5)
    }
  }
}
