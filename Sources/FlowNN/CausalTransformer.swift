// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowTensor

/// The shape of a ``CausalTransformer``.
public struct CausalTransformerConfiguration: Sendable, Codable, Equatable {
  /// Rows of a latent frame, even.
  public var latentHeight: Int
  /// Columns of a latent frame, even.
  public var latentWidth: Int
  /// Channels of a latent frame.
  public var latentChannels: Int
  /// Width of a token.
  public var width: Int
  /// Transformer blocks.
  public var layers: Int
  /// Attention heads; divides `width`.
  public var heads: Int
  /// Actions that steer a frame.
  public var actions: Int
  /// Frames that a frame sees, its own included, beside the sink.
  public var window: Int
  /// First frames that every frame sees.
  public var sink: Int

  /// A transformer of this shape.
  public init(
    latentHeight: Int, latentWidth: Int, latentChannels: Int, width: Int, layers: Int, heads: Int,
    actions: Int,
    window: Int, sink: Int
  ) {
    self.latentHeight = latentHeight
    self.latentWidth = latentWidth
    self.latentChannels = latentChannels
    self.width = width
    self.layers = layers
    self.heads = heads
    self.actions = actions
    self.window = window
    self.sink = sink
  }

  /// Tokens of a frame: 2×2 latent patches.
  public var tokens: Int { latentHeight / 2 * (latentWidth / 2) }
  /// Numbers in a latent frame.
  public var latentCount: Int { latentHeight * latentWidth * latentChannels }
}

/// What a frame is generated from, beside the noise: one row a frame of `[batch · frames]`.
public struct FrameConditions {
  /// The latents of the frames before, [batch, frames, height, width, channels]; zeros before the first.
  public var previous: Variable
  /// The action that leads into each frame.
  public var actions: [Int32]
  /// Standard deviation of the noise added to `previous`, [batch · frames, 1].
  public var contextNoise: Variable

  /// Conditions of a batch of frames.
  public init(previous: Variable, actions: [Int32], contextNoise: Variable) {
    self.previous = previous
    self.actions = actions
    self.contextNoise = contextNoise
  }
}

/// A block-causal diffusion transformer over latent frames, one frame a forward pass.
///
/// A frame of the input is its noisy latent beside the latent before it, cut into 2×2 patches; time, action and the
/// noise of the context modulate every block (adaptive layer normalisation with one shared projection). The output is a
/// prediction of the clean latent, as a change of the latent before it. Blocks, tensor names and modulation follow
/// the causal Wan layout.
public struct CausalTransformer: Sendable {
  /// The shape.
  public let configuration: CausalTransformerConfiguration
  /// The parameters.
  public let layout: ParameterLayout

  private let patchEmbedding: LinearLayer
  private let timeEmbedding: (LinearLayer, LinearLayer)
  private let actionEmbedding: Parameter
  private let timeProjection: LinearLayer
  private let blocks: [TransformerBlock]
  private let headModulation: Parameter
  private let head: LinearLayer
  private let times = TimeFeatures(frequencies: 128)

  /// Declares the parameters of a transformer of this shape.
  public init(_ configuration: CausalTransformerConfiguration) {
    let c = configuration
    let d = c.width, patch = 4 * c.latentChannels
    var layout = ParameterLayout()
    patchEmbedding = LinearLayer(&layout, "patch_embedding", input: 2 * patch, output: d)
    timeEmbedding = (
      LinearLayer(&layout, "time_embedding.0", input: 3 * times.count, output: d),
      LinearLayer(&layout, "time_embedding.2", input: d, output: d)
    )
    actionEmbedding = layout.declare("action_embedding.weight", [c.actions, d], .normal(0.5))
    timeProjection = LinearLayer(&layout, "time_projection.1", input: d, output: 6 * d, gain: 0.2)
    blocks = (0..<c.layers).map { TransformerBlock(&layout, number: $0, width: d) }
    headModulation = layout.declare("head.modulation", [1, 2, d], .normal(0.02))
    head = LinearLayer(&layout, "head.head", input: d, output: patch, gain: 0)
    self.configuration = configuration
    self.layout = layout
  }

  /// Predicts the clean latents of a batch of sequences, each frame at times of its own.
  ///
  /// - Parameters:
  ///   - noisy: z_t, [batch, frames, height, width, channels].
  ///   - r: the time that the flow map jumps to, [batch · frames, 1]; r = t asks for the posterior mean.
  ///   - t: the time of each frame, [batch · frames, 1].
  ///   - positions: the place in time of each frame of a sequence.
  public func callAsFunction(
    _ noisy: Variable, r: Variable, t: Variable, _ conditions: FrameConditions, positions: [Int],
    _ p: Parameters
  ) -> Variable {
    let c = configuration
    let batch = noisy.shape[0], frames = noisy.shape[1], rows = batch * frames
    let arithmetic = RecordedArithmetic(
      modulations: modulations(
        r: r, t: t, contextNoise: conditions.contextNoise, actions: conditions.actions, p),
      sequence: [batch, frames * c.tokens, c.heads, c.width / c.heads],
      angles: RotaryAngles(
        frames: positions, rows: c.latentHeight / 2, columns: c.latentWidth / 2,
        headWidth: c.width / c.heads),
      mask: .blockCausal(tokensPerFrame: c.tokens, window: c.window, sink: c.sink), parameters: p)
    let patches = concatenate([patches(noisy), patches(conditions.previous)], axis: -1)
    let change = predictedChange(patches.reshaped([rows, c.tokens, 8 * c.latentChannels]), arithmetic)
    return conditions.previous + unpatched(change, like: noisy.shape)
  }

  /// From patches of the noisy latent beside the latent before, [rows, tokens, 8 · channels], to patches of the change of
  /// the latent before, [rows, tokens, 4 · channels].
  func predictedChange<Arithmetic: TransformerArithmetic>(_ patches: Arithmetic.Value, _ a: Arithmetic)
    -> Arithmetic.Value
  {
    var x = a.linear(patches, patchEmbedding)
    for block in blocks { x = block(x, a) }
    let last = 6 * blocks.count
    return a.modulatedLinear(x, shift: last, scale: last + 1, head)
  }

  /// The modulations of all blocks and the head, by number, a row a frame: all that depends on times and actions.
  func modulations(
    r: Variable, t: Variable, contextNoise: Variable, actions: [Int32], _ p: Parameters
  ) -> [Variable] {
    let d = configuration.width, rows = actions.count
    let features = concatenate([t, r, contextNoise].map { times($0) }, axis: 1)
    let embedding =
      timeEmbedding.1(timeEmbedding.0(features, p, activation: .silu), p)
      + p[actionEmbedding].gather(actions)  // [rows, d]
    let shared = timeProjection(embedding.map(.silu), p).reshaped([rows, 6, d])
    let final = embedding.reshaped([rows, 1, d]) + p[headModulation]  // [rows, 2, d]
    return blocks.flatMap { (shared + p[$0.modulation]).unstacked(axis: 1) } + final.unstacked(axis: 1)
  }

  /// The number of modulations: six a block and two for the head.
  var modulationCount: Int { 6 * blocks.count + 2 }

  /// [batch, frames, height, width, channels] to [batch · frames, tokens, 4 · channels].
  private func patches(_ latents: Variable) -> Variable {
    let c = configuration, rows = latents.shape[0] * latents.shape[1]
    return latents.reshaped([rows, c.latentHeight / 2, 2, c.latentWidth / 2, 2 * c.latentChannels])
      .permuted([0, 1, 3, 2, 4]).reshaped([rows, c.tokens, 4 * c.latentChannels])
  }

  private func unpatched(_ tokens: Variable, like shape: Shape) -> Variable {
    let c = configuration
    return tokens.reshaped([tokens.shape[0], c.latentHeight / 2, c.latentWidth / 2, 2, 2 * c.latentChannels])
      .permuted([0, 1, 3, 2, 4]).reshaped(shape)
  }
}
