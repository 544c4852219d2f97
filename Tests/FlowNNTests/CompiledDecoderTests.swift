// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowNN
import FlowTensor
import Glibc
import Testing

@Suite("The compiled decoder")
struct CompiledDecoderTests {
  /// Channels that fill no panel, none of a multiple of four, and many; no blocks and several.
  static let configurations: [AutoencoderConfiguration] = [
    .init(height: 16, width: 32, outerChannels: 4, innerChannels: 5, blocks: 1, latentChannels: 3),
    .init(height: 24, width: 72, outerChannels: 20, innerChannels: 48, blocks: 2, latentChannels: 8),
    .init(height: 8, width: 8, outerChannels: 40, innerChannels: 12, blocks: 0, latentChannels: 20),
  ]
  /// Mean differences of bytes: rounding to a byte and of the weights' 24, 8 and 7 bits, through all layers.
  static let bounds: [(InferencePrecision, Float)] = [(.float32, 0.001), (.bfloat16, 0.35), (.int8, 1.8)]

  private func latents(_ configuration: AutoencoderConfiguration, _ count: Int) -> Tensor {
    var random = Random(key: 7)
    return random.normal(configuration.latentShape(batch: count))
  }

  @Test(
    "agrees with the decoder on variables as far as its precision goes", arguments: configurations, bounds)
  func precision(configuration: AutoencoderConfiguration, bound: (InferencePrecision, Float)) {
    let model = Autoencoder(configuration), weights = randomWeights(model.layout, seed: 1)
    let latents = latents(configuration, 3)
    let wanted = model.decode(Variable(latents), Parameters(weights)).tensor.bytes(scale: 127.5, shift: 127.5)
    let found = CompiledDecoder(model, weights: weights, precision: bound.0).decode(latents).flatMap(\.self)
    #expect(found.count == wanted.count)
    let differences = zip(found, wanted).reduce(Float(0)) { $0 + abs(Float($1.0) - Float($1.1)) }
    #expect(differences / Float(wanted.count) < bound.1)
  }

  @Test(
    "pictures of a batch get what they get alone, in batches that grow and shrink, to the bit",
    arguments: InferencePrecision.allCases)
  func batched(precision: InferencePrecision) {
    let configuration = Self.configurations[1], model = Autoencoder(configuration)
    let decoder = CompiledDecoder(model, weights: randomWeights(model.layout, seed: 2), precision: precision)
    let latents = latents(configuration, 5)
    let alone = (0..<5).map { decoder.decode(latents.rows($0..<$0 + 1))[0] }
    #expect(Set(alone).count == 5)
    for range in [0..<2, 0..<5, 2..<5, 3..<4] {
      #expect(decoder.decode(latents.rows(range)) == Array(alone[range]), "\(range)")
    }
  }

  /// Pictures of one and of three latents, of more lines than two cores share evenly.
  static func pictures(_ precision: InferencePrecision) -> [[UInt8]] {
    let configuration = AutoencoderConfiguration(
      height: 40, width: 24, outerChannels: 20, innerChannels: 36, blocks: 1, latentChannels: 4)
    let model = Autoencoder(configuration)
    let decoder = CompiledDecoder(model, weights: randomWeights(model.layout, seed: 4), precision: precision)
    var random = Random(key: 8)
    let latents = random.normal(configuration.latentShape(batch: 3))
    return decoder.decode(latents) + decoder.decode(latents.rows(1..<2))
  }

  @Test("pictures do not depend on the number of threads, to the bit", arguments: [1, 3, 8])
  func threads(count: Int) async {
    let here: [[UInt8]] = Self.pictures(.int8)
    #expect(here[3] == here[1])
    await #expect(processExitsWith: .success) { [count, here = here as [[UInt8]]] in
      setenv("FLOW_THREADS", "\(count)", 1)
      #expect(Team.size == count)
      #expect(CompiledDecoderTests.pictures(.int8) == here)
    }
  }

  @Test("says beforehand what its packed weights take", arguments: InferencePrecision.allCases)
  func bytes(precision: InferencePrecision) {
    let model = Autoencoder(Self.configurations[1])
    let shapes = model.layout.declarations.filter { $0.name.hasPrefix("decoder.") && $0.shape.rank == 4 }
    let elements = shapes.reduce(0) { $0 + $1.shape.count }
    let size = [InferencePrecision.float32: 4, .bfloat16: 2, .int8: 1][precision]!
    let found = model.residentDecoderByteCount(precision)
    // Panels are padded to 32 outputs, and biases and scales come on top.
    #expect(found > elements * size && found < 2 * elements * size + 12 * 9 * 512)
  }

  @Test("ends at any stage when it is told to, and decodes the same afterwards")
  func cancelled() {
    struct Stop: Error {}
    let configuration = Self.configurations[0], model = Autoencoder(configuration)
    let decoder = CompiledDecoder(model, weights: randomWeights(model.layout, seed: 3), precision: .int8)
    let latents = latents(configuration, 2), wanted = decoder.decode(latents)
    for stage in 0..<7 {
      var looks = 0
      #expect(throws: Stop.self) {
        try decoder.decode(
          latents,
          betweenStages: { () throws(Stop) in
            looks += 1
            if looks > stage { throw Stop() }
          })
      }
      #expect(looks == stage + 1)
    }
    #expect(decoder.decode(latents) == wanted)
  }
}
