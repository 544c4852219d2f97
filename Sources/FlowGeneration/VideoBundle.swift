// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowNN
public import FlowTensor
internal import FoundationEssentials

/// A video model on disk: `model.json` and `weights.safetensors` in a folder that names it.
public struct VideoBundle: Sendable {
  /// The name of the folder.
  public let name: String
  /// What `model.json` says.
  public let manifest: VideoManifest
  /// SHA-256 of the weights file.
  public let sha256: String
  /// The autoencoder.
  public let codec: LatentCodec
  /// The generator.
  public let generator: LatentGenerator
  /// Normalised latents that streams begin with, [starts, height, width, channels].
  public let starts: Tensor

  /// A bundle of parts just trained; it has a digest once it is written and read back.
  public init(
    name: String, manifest: VideoManifest, codec: LatentCodec, generator: LatentGenerator, starts: Tensor
  ) {
    self.name = name
    self.manifest = manifest
    self.codec = codec
    self.generator = generator
    self.starts = starts
    sha256 = ""
  }

  /// Reads the bundle in a folder, checking every tensor's digest and shape.
  ///
  /// `precision` overrides what the manifest says of how weights and caches are stored.
  public init(folder: String, precision: InferencePrecision? = nil) throws(BundleError) {
    name = String(folder.split(separator: "/").last ?? "")
    manifest = try Self.manifest(folder: folder)
    let weights = "\(folder)/weights.safetensors"
    do {
      let file = try SafetensorsFile(path: weights)
      let autoencoder = Autoencoder(manifest.autoencoder),
        transformer = CausalTransformer(manifest.transformer)
      let channels = manifest.autoencoder.latentChannels
      codec = LatentCodec(
        autoencoder, weights: try file.tensors("autoencoder", autoencoder.layout),
        mean: try file.tensor("latent.mean", shape: [channels]),
        deviation: try file.tensor("latent.deviation", shape: [channels]))
      generator = LatentGenerator(
        transformer, weights: try file.tensors("transformer", transformer.layout),
        contextNoise: manifest.contextNoise, sampler: manifest.sampler,
        precision: precision ?? manifest.precision)
      starts = try file.tensor("starts", shape: manifest.autoencoder.latentShape(batch: manifest.starts))
    } catch {
      throw BundleError(.badWeights, "\(error)")
    }
    sha256 = try BundleFile.digest(weights)
  }

  /// Reads `model.json` alone: cheap, for listings.
  public static func manifest(folder: String) throws(BundleError) -> VideoManifest {
    let path = "\(folder)/model.json"
    let manifest = try BundleFile.decode(VideoManifest.self, path, kind: "a video manifest")
    if let fault = manifest.fault {
      throw BundleError(.badManifest, "\(path): \(fault); make the bundle again with flowtrain")
    }
    return manifest
  }

  /// Writes `model.json` and `weights.safetensors`, networks rounded to bfloat16, each whole or not at all.
  public func write(to folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var writer = SafetensorsWriter()
    for (declaration, tensor) in zip(codec.model.layout.declarations, codec.weights) {
      writer.add(bfloat16: tensor, "autoencoder.\(declaration.name)")
    }
    for (declaration, tensor) in zip(generator.model.layout.declarations, generator.weights) {
      writer.add(bfloat16: tensor, "transformer.\(declaration.name)")
    }
    writer.add("latent.mean", codec.mean)
    writer.add("latent.deviation", codec.deviation)
    writer.add(bfloat16: starts, "starts")
    try writer.write(to: "\(folder)/weights.safetensors")
    try BundleFile.encode(manifest, to: "\(folder)/model.json")
  }
}

extension SafetensorsFile {
  /// The tensors of a layout, stored under `prefix`.
  func tensors(_ prefix: String, _ layout: ParameterLayout) throws(CheckpointError) -> [Tensor] {
    var tensors: [Tensor] = []
    for declaration in layout.declarations {
      tensors.append(try tensor("\(prefix).\(declaration.name)", shape: declaration.shape))
    }
    return tensors
  }
}
