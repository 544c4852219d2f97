// SPDX-License-Identifier: Apache-2.0

public import FlowNN
public import FlowTensor

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
  /// How weights and caches are stored when the generator and the decoder run.
  public var precision: InferencePrecision
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
  /// SHA-256 of the weights file; nil before it is written, and in bundles of a time when it was not recorded.
  public var weights: String?

  /// A manifest in the current format.
  public init(
    summary: String, autoencoder: AutoencoderConfiguration, transformer: CausalTransformerConfiguration,
    method: String, sampler: SamplerKind = .jumps,
    defaultSteps: Int, maximumSteps: Int, contextNoise: Float, precision: InferencePrecision = .float32,
    framesPerSecond: Double,
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
    self.precision = precision
    self.framesPerSecond = framesPerSecond
    self.actions = actions
    self.defaultAction = defaultAction
    self.starts = starts
    self.dataLicence = dataLicence
  }
}

extension VideoManifest {
  /// What makes this manifest unusable, with the name of the field, or nil.
  package var fault: String? {
    if format != Self.currentFormat { return "format '\(format)' is not \(Self.currentFormat)" }
    // The cache is counted last: the rest bounds its factors.
    return sizeFault ?? latentFault ?? cacheFault ?? samplingFault
  }

  /// A stream's cache must fit into a gibibyte: window and sink alone decide its size, whatever the weights are.
  private var cacheFault: String? {
    let bytes = transformer.cacheByteCount(.float32)
    return bytes <= 1 << 30
      ? nil
      : "transformer.window and transformer.sink ask for a cache of \(bytes) bytes a stream, more than 2^30"
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
    let headWidth = t.width / t.heads
    return t.width % t.heads == 0 && headWidth % 2 == 0 && headWidth <= HeadCaches.mostWidth
      ? nil
      : "transformer.heads must divide transformer.width into even parts of at most \(HeadCaches.mostWidth)"
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
    if defaultSteps < 1 || maximumSteps < defaultSteps || maximumSteps > 64 {
      return "steps must be 1 ≤ defaultSteps ≤ maximumSteps ≤ 64"
    }
    if !(framesPerSecond > 0 && framesPerSecond.isFinite) { return "framesPerSecond must be positive" }
    return contextNoise >= 0 && contextNoise.isFinite ? nil : "contextNoise must not be negative"
  }
}
