// SPDX-License-Identifier: Apache-2.0

internal import FlowGeneration
internal import FlowNN
internal import FlowTensor

/// A real bundle of the smallest networks there can be, in a folder named `name`.
///
/// The weights are noise, also those that training begins with zeros, so that seeds and actions matter.
package func writeTinyBundle(
  _ name: String, in folder: String, height: Int = 16, width: Int = 16
) throws {
  let autoencoder = Autoencoder(
    AutoencoderConfiguration(
      height: height, width: width, outerChannels: 8, innerChannels: 8, blocks: 1, latentChannels: 4))
  let transformer = CausalTransformer(
    CausalTransformerConfiguration(
      latentHeight: height / 8, latentWidth: width / 8, latentChannels: 4, width: 16, layers: 1, heads: 2,
      actions: 2, window: 4, sink: 1))
  let manifest = VideoManifest(
    summary: "Noise.", autoencoder: autoencoder.configuration, transformer: transformer.configuration,
    method: "none", defaultSteps: 1, maximumSteps: 2, contextNoise: 0.1, framesPerSecond: 35,
    actions: ["stay", "left"], defaultAction: "stay", starts: 1, dataLicence: "CC0-1.0")
  let codec = LatentCodec(
    autoencoder, weights: noise(autoencoder.layout, seed: 1), mean: Tensor([0, 0, 0, 0]),
    deviation: Tensor([1, 1, 1, 1]))
  let weights = noise(transformer.layout, seed: 2)
  let generator = LatentGenerator(transformer, weights: weights, contextNoise: manifest.contextNoise)
  let bundle = VideoBundle(
    name: name, manifest: manifest, codec: codec, generator: generator, weights: weights,
    starts: Tensor.zeros(autoencoder.configuration.latentShape(batch: 1)))
  try bundle.write(to: "\(folder)/\(name)")
}

func noise(_ layout: ParameterLayout, seed: UInt64) -> [Tensor] {
  var random = Random(key: seed, stream: 1)
  return zip(layout.declarations, layout.initialize(seed: seed)).map { declaration, tensor in
    declaration.initializer == .zeros ? random.normal(declaration.shape).affine(scale: 0.1) : tensor
  }
}
