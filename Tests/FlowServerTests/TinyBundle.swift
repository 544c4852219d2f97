// SPDX-License-Identifier: Apache-2.0

import FlowGeneration
import FlowNN
import FlowTensor

/// A real bundle of the smallest networks there can be, untrained, in a folder named `name`.
func writeTinyBundle(_ name: String, in folder: String) throws {
  let autoencoder = Autoencoder(
    AutoencoderConfiguration(
      height: 16, width: 16, outerChannels: 8, innerChannels: 8, blocks: 1, latentChannels: 4))
  let transformer = CausalTransformer(
    CausalTransformerConfiguration(
      latentHeight: 2, latentWidth: 2, latentChannels: 4, width: 16, layers: 1, heads: 2, actions: 2,
      window: 4,
      sink: 1))
  let manifest = VideoManifest(
    summary: "Noise.", autoencoder: autoencoder.configuration, transformer: transformer.configuration,
    method: "none", defaultSteps: 1, maximumSteps: 2, contextNoise: 0.1, framesPerSecond: 35,
    actions: ["stay", "left"], defaultAction: "stay", starts: 1, dataLicence: "CC0-1.0")
  let codec = LatentCodec(
    autoencoder, weights: autoencoder.layout.initialize(seed: 1), mean: Tensor([0, 0, 0, 0]),
    deviation: Tensor([1, 1, 1, 1]))
  let generator = LatentGenerator(
    transformer, weights: transformer.layout.initialize(seed: 2), contextNoise: 0.1)
  let bundle = VideoBundle(
    name: name, manifest: manifest, codec: codec, generator: generator,
    starts: Tensor.zeros(autoencoder.configuration.latentShape(batch: 1)))
  try bundle.write(to: "\(folder)/\(name)")
}
