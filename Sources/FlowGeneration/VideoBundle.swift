// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowDigest
public import FlowNN
public import FlowTensor
internal import FoundationEssentials

/// What `model.json` says of a video model: everything but its weights.
public struct VideoManifest: Sendable, Codable, Equatable {
  /// The version of this file's layout that is read and written.
  public static let currentFormat = "flow-video-1"

  /// The version of this file's layout.
  public var format: String
  /// One sentence on what the model makes.
  public var summary: String
  /// The autoencoder's shape.
  public var autoencoder: AutoencoderConfiguration
  /// The generator's shape.
  public var transformer: CausalTransformerConfiguration
  /// How the weights came to be: objective and prediction, for people.
  public var method: String
  /// What the network is asked for at each evaluation.
  public var sampler: SamplerKind
  /// Network evaluations a frame unless the client asks otherwise.
  public var defaultSteps: Int
  /// The most network evaluations a frame.
  public var maximumSteps: Int
  /// Standard deviation of the noise added to the latent before.
  public var contextNoise: Float
  /// Frames a second of the recorded world.
  public var framesPerSecond: Double
  /// The names of the actions.
  public var actions: [String]
  /// The action of a stream that nobody steers.
  public var defaultAction: String
  /// Start frames in the weights file.
  public var starts: Int
  /// The licence of the data the model was trained on.
  public var dataLicence: String

  /// A manifest in the current format.
  public init(
    summary: String, autoencoder: AutoencoderConfiguration, transformer: CausalTransformerConfiguration,
    method: String, sampler: SamplerKind = .jumps,
    defaultSteps: Int, maximumSteps: Int, contextNoise: Float, framesPerSecond: Double,
    actions: [String], defaultAction: String, starts: Int, dataLicence: String
  ) {
    format = Self.currentFormat
    self.summary = summary
    self.autoencoder = autoencoder
    self.transformer = transformer
    self.method = method
    self.sampler = sampler
    self.defaultSteps = defaultSteps
    self.maximumSteps = maximumSteps
    self.contextNoise = contextNoise
    self.framesPerSecond = framesPerSecond
    self.actions = actions
    self.defaultAction = defaultAction
    self.starts = starts
    self.dataLicence = dataLicence
  }
}

/// Why a bundle cannot be used: a stable code and a message that ends with the remedy.
public struct BundleError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The closed list of causes.
  public enum Code: String, Sendable {
    /// There is no such bundle.
    case missing
    /// `model.json` is not a manifest.
    case badManifest
    /// The weights file is damaged or does not fit the manifest.
    case badWeights
  }

  /// The cause, for programs.
  public let code: Code
  /// The cause and the remedy, for people.
  public let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}

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
  public init(folder: String) throws(BundleError) {
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
        contextNoise: manifest.contextNoise, sampler: manifest.sampler)
      starts = try file.tensor("starts", shape: manifest.autoencoder.latentShape(batch: manifest.starts))
    } catch {
      throw BundleError(.badWeights, "\(error)")
    }
    sha256 = try Self.digest(weights)
  }

  /// Reads `model.json` alone: cheap, for listings.
  public static func manifest(folder: String) throws(BundleError) -> VideoManifest {
    let path = "\(folder)/model.json"
    guard let data = FileManager.default.contents(atPath: path) else {
      throw BundleError(.missing, "\(path) cannot be read; name a folder that holds a bundle")
    }
    let manifest: VideoManifest
    do {
      manifest = try JSONDecoder().decode(VideoManifest.self, from: data)
    } catch {
      throw BundleError(
        .badManifest, "\(path) is not a video manifest (\(error)); make the bundle again with flowtrain")
    }
    if let fault = manifest.fault {
      throw BundleError(.badManifest, "\(path): \(fault); make the bundle again with flowtrain")
    }
    return manifest
  }

  private static func digest(_ path: String) throws(BundleError) -> String {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw BundleError(.badWeights, "\(path) cannot be read; check its permissions")
    }
    var hash = SHA256()
    data.withUnsafeBytes { hash.update($0) }
    return hash.hexadecimal()
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
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try AtomicFile.write(Array(encoder.encode(manifest)) + [0x0A], to: "\(folder)/model.json")
  }
}

extension VideoManifest {
  /// What makes this manifest unusable, with the name of the field, or nil.
  var fault: String? {
    if format != Self.currentFormat { return "format '\(format)' is not \(Self.currentFormat)" }
    return sizeFault ?? latentFault ?? samplingFault
  }

  /// Bounds keep a damaged file from asking for more memory than there is.
  private var sizeFault: String? {
    let a = autoencoder, t = transformer
    let sizes: [(name: String, size: Int, allowed: ClosedRange<Int>)] = [
      ("autoencoder.height", a.height, 16...4096), ("autoencoder.width", a.width, 16...4096),
      ("autoencoder.outerChannels", a.outerChannels, 1...4096),
      ("autoencoder.innerChannels", a.innerChannels, 1...4096),
      ("autoencoder.blocks", a.blocks, 0...64), ("autoencoder.latentChannels", a.latentChannels, 1...4096),
      ("transformer.width", t.width, 2...16_384), ("transformer.layers", t.layers, 1...256),
      ("transformer.heads", t.heads, 1...256), ("transformer.window", t.window, 1...4096),
      ("transformer.sink", t.sink, 0...4096), ("starts", starts, 1...65_536),
      ("actions", actions.count, 1...4096),
    ]
    for (name, size, allowed) in sizes where !allowed.contains(size) {
      return "\(name) is \(size) and must be \(allowed.lowerBound)…\(allowed.upperBound)"
    }
    for (name, size) in [("height", a.height), ("width", a.width)] where size % 16 != 0 {
      return "autoencoder.\(name) is \(size) and must be a multiple of 16"
    }
    return t.width % t.heads == 0 && t.width / t.heads % 2 == 0
      ? nil : "transformer.heads must divide transformer.width into even parts"
  }

  private var latentFault: String? {
    let a = autoencoder, t = transformer
    let pairs = [
      ("latentHeight", t.latentHeight, a.latentHeight), ("latentWidth", t.latentWidth, a.latentWidth),
      ("latentChannels", t.latentChannels, a.latentChannels), ("actions", t.actions, actions.count),
    ]
    for (name, found, wanted) in pairs where found != wanted {
      return "transformer.\(name) is \(found), and the rest of the manifest makes it \(wanted)"
    }
    return nil
  }

  private var samplingFault: String? {
    if !actions.contains(defaultAction) { return "defaultAction '\(defaultAction)' is not an action" }
    if defaultSteps < 1 || maximumSteps < defaultSteps {
      return "steps must be 1 ≤ defaultSteps ≤ maximumSteps"
    }
    if !(framesPerSecond > 0 && framesPerSecond.isFinite) { return "framesPerSecond must be positive" }
    return contextNoise >= 0 && contextNoise.isFinite ? nil : "contextNoise must not be negative"
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
