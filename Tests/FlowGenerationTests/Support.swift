// SPDX-License-Identifier: Apache-2.0

import FlowGeneration
import FlowNN
import FlowTensor
import Foundation
import Testing

/// Lends the path of a new, empty folder and removes it afterwards.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: "flow-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path())
}

/// Random weights as bfloat16 holds them, those that begin at zero too.
func randomWeights(_ layout: ParameterLayout, seed: UInt64) -> [Tensor] {
  var random = Random(key: seed)
  return layout.declarations.map { declaration in
    let x = random.normal(declaration.shape)
    if declaration.initializer == .ones { return rounded(x.affine(scale: 0.2, shift: 1)) }
    let inputs = declaration.shape.count / max(declaration.shape[0], 1)
    return rounded(x.affine(scale: declaration.shape.rank == 1 ? 0.2 : 1 / Float(inputs).squareRoot()))
  }
}

/// The elements as bfloat16 holds them.
func rounded(_ x: Tensor) -> Tensor {
  x.bfloat16.withUnsafeBufferPointer { Tensor(bfloat16: $0, shape: x.shape) }
}

/// A manifest of a model that takes no time.
func tinyManifest() -> VideoManifest {
  let autoencoder = AutoencoderConfiguration(
    height: 16, width: 32, outerChannels: 4, innerChannels: 5, blocks: 1, latentChannels: 3)
  let transformer = CausalTransformerConfiguration(
    latentHeight: 2, latentWidth: 4, latentChannels: 3, width: 12, layers: 2, heads: 2, actions: 2, window: 2,
    sink: 1)
  return VideoManifest(
    summary: "Noise.", autoencoder: autoencoder, transformer: transformer, method: "none", defaultSteps: 2,
    maximumSteps: 4, contextNoise: 0.125, framesPerSecond: 12, actions: ["none", "left"],
    defaultAction: "none",
    starts: 3, dataLicence: "CC0-1.0")
}

/// A bundle of random weights; `edit` may spoil the generator's.
func tinyBundle(
  _ manifest: VideoManifest = tinyManifest(), precision: InferencePrecision = .float32,
  edit: (ParameterLayout, inout [Tensor]) -> Void = { _, _ in }
) -> VideoBundle {
  let autoencoder = Autoencoder(manifest.autoencoder), transformer = CausalTransformer(manifest.transformer)
  var weights = randomWeights(transformer.layout, seed: 2)
  edit(transformer.layout, &weights)
  var random = Random(key: 3)
  let codec = LatentCodec(
    autoencoder, weights: randomWeights(autoencoder.layout, seed: 1), mean: Tensor([0.5, -1, 0]),
    deviation: Tensor([2, 1, 0.5]))
  return VideoBundle(
    name: "tiny", manifest: manifest, codec: codec,
    generator: LatentGenerator(
      transformer, weights: weights, contextNoise: manifest.contextNoise, precision: precision),
    weights: weights,
    starts: rounded(random.normal(manifest.autoencoder.latentShape(batch: manifest.starts))))
}

/// The frames of a stream under these actions.
func frames(_ model: CausalVideoModel, _ options: StreamOptions, actions: [Int]) throws -> [RGBImage] {
  let stream = model.makeStream(options)
  return try actions.flatMap { try model.advance([stream], actions: [$0]) }
}
