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
    blocks = (0..<c.layers).map { TransformerBlock(&layout, "blocks.\($0)", width: d, heads: c.heads) }
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
    let batch = noisy.shape[0], frames = noisy.shape[1]
    let mask = AttentionMask.blockCausal(tokensPerFrame: c.tokens, window: c.window, sink: c.sink)
    return run(noisy, r: r, t: t, conditions, positions: positions, p) { _, q, k, v in
      let shape: Shape = [batch, frames * c.tokens, c.heads, c.width / c.heads]
      return attention(q.reshaped(shape), k.reshaped(shape), v.reshaped(shape), mask: mask)
    }
  }

  /// Predicts the clean latent of frame `frame` of one stream, whose past is in `cache`, and writes its keys
  /// and values there.
  public func step(
    _ noisy: Variable, r: Float, t: Float, _ conditions: FrameConditions, frame: Int, cache: KVCache,
    _ p: Parameters
  ) -> Variable {
    let c = configuration
    let time = { (value: Float) in Variable(Tensor([value], shape: [1, 1])) }
    return run(noisy, r: time(r), t: time(t), conditions, positions: [frame], p) { layer, q, k, v in
      let (keys, values) = cache.update(
        layer: layer, frame: frame, keys: k.tensor.reshaped([c.tokens, c.width]),
        values: v.tensor.reshaped([c.tokens, c.width]))
      let shape: Shape = [1, keys.shape[0], c.heads, c.width / c.heads]
      return attention(
        q.reshaped([1, c.tokens, c.heads, c.width / c.heads]), Variable(keys.reshaped(shape)),
        Variable(values.reshaped(shape)), mask: .none)
    }
  }

  /// An empty cache for one stream.
  public func makeCache() -> KVCache {
    let c = configuration
    return KVCache(layers: c.layers, tokens: c.tokens, width: c.width, window: c.window, sink: c.sink)
  }

  /// Bytes that the cache of one stream holds.
  public var cacheByteCount: Int {
    let c = configuration
    return KVCache.byteCount(
      layers: c.layers, tokens: c.tokens, width: c.width, window: c.window, sink: c.sink)
  }

  private func run(
    _ noisy: Variable, r: Variable, t: Variable, _ conditions: FrameConditions, positions: [Int],
    _ p: Parameters,
    attend: (Int, Variable, Variable, Variable) -> Variable
  ) -> Variable {
    let c = configuration, d = c.width
    let batch = noisy.shape[0], frames = noisy.shape[1], rows = batch * frames
    let angles = RotaryAngles(
      frames: positions, rows: c.latentHeight / 2, columns: c.latentWidth / 2, headWidth: d / c.heads)

    let embedding =
      timeEmbedding.1(
        timeEmbedding.0(
          concatenate([t, r, conditions.contextNoise].map { times($0) }, axis: 1), p, activation: .silu), p)
      + p[actionEmbedding].gather(conditions.actions)  // [rows, d]
    let modulation = timeProjection(embedding.map(.silu), p).reshaped([rows, 6, d])

    var x = patchEmbedding(concatenate([patches(noisy), patches(conditions.previous)], axis: -1), p)
    for (layer, block) in blocks.enumerated() {
      x = block(x, modulation, angles, batch: batch, p) { attend(layer, $0, $1, $2) }  // [rows, tokens, d]
    }
    let final = (embedding.reshaped([rows, 1, d]) + p[headModulation]).unstacked(axis: 1)  // 2 × [rows, d]
    // [rows, tokens, 4·channels]
    let change = x.modulatedLinear(scale: final[1], shift: final[0], layers: [head.values(p)])[0]
    return conditions.previous + unpatched(change, like: noisy.shape)
  }

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
