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
  /// SHA-256 of the weights file; empty where there is none.
  public let sha256: String
  /// Bytes of the weights file; 0 where there is none.
  public let weightsByteCount: Int
  /// The autoencoder.
  public let codec: LatentCodec
  /// The generator.
  public let generator: LatentGenerator
  /// The generator's weights, in the order of its layout: what it was packed from, and what is written.
  public let weights: [Tensor]
  /// Normalised latents that streams begin with, [starts, height, width, channels].
  public let starts: Tensor

  /// A bundle of parts just trained; it has a digest once it is written and read back.
  public init(
    name: String, manifest: VideoManifest, codec: LatentCodec, generator: LatentGenerator,
    weights: [Tensor], starts: Tensor
  ) {
    self.name = name
    self.manifest = manifest
    self.codec = codec
    self.generator = generator
    self.weights = weights
    self.starts = starts
    sha256 = ""
    weightsByteCount = 0
  }

  /// Reads the bundle in a folder, checking every tensor's digest and shape.
  ///
  /// `precision` overrides what the manifest says of how weights and caches are stored. Everything is copied: the files
  /// may go afterwards. At the most there are the weights as float32, what is packed of them, and one tensor as the file
  /// has it.
  public init(folder: String, precision: InferencePrecision? = nil) throws(BundleError) {
    name = BundleFile.name(folder)
    let manifest = try Self.manifest(folder: folder)
    self.manifest = manifest
    do {
      let file = try SafetensorsFile(path: BundleFile.weights(folder))
      let autoencoder = Autoencoder(manifest.autoencoder),
        transformer = CausalTransformer(manifest.transformer)
      let channels = manifest.autoencoder.latentChannels
      codec = LatentCodec(
        autoencoder, weights: try file.tensors("autoencoder", autoencoder.layout),
        mean: try file.tensor("latent.mean", shape: [channels]),
        deviation: try file.tensor("latent.deviation", shape: [channels]))
      weights = try file.tensors("transformer", transformer.layout)
      starts = try file.tensor("starts", shape: manifest.autoencoder.latentShape(batch: manifest.starts))
      (sha256, weightsByteCount) = (try file.sha256(), file.byteCount)
      generator = LatentGenerator(
        transformer, weights: weights, contextNoise: manifest.contextNoise, sampler: manifest.sampler,
        precision: precision ?? manifest.precision)
    } catch {
      throw BundleError(.badWeights, "\(error)")
    }
    if let recorded = manifest.weights {
      try BundleFile.check(sha256, recorded: recorded, folder: folder, manifest: Self.manifestName)
    }
  }

  /// The manifest's file in a bundle.
  public static let manifestName = "model.json"

  /// Reads `model.json` alone: cheap, for listings.
  public static func manifest(folder: String) throws(BundleError) -> VideoManifest {
    let path = "\(folder)/\(manifestName)"
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
    for (declaration, tensor) in zip(generator.model.layout.declarations, weights) {
      writer.add(bfloat16: tensor, "transformer.\(declaration.name)")
    }
    writer.add("latent.mean", codec.mean)
    writer.add("latent.deviation", codec.deviation)
    writer.add(bfloat16: starts, "starts")
    try writer.write(to: BundleFile.weights(folder))
    var manifest = manifest
    manifest.weights = try SafetensorsFile(path: BundleFile.weights(folder)).sha256()
    try BundleFile.encode(manifest, to: "\(folder)/\(Self.manifestName)")
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
