// SPDX-License-Identifier: Apache-2.0

public import FlowNN
public import FlowTensor

/// What the network is asked for when a sample moves from t down to r.
public enum SamplerKind: String, Sendable, Codable {
  /// The instantaneous velocity at t, followed for the whole step: for a model that knows the diagonal only.
  case euler
  /// The jump of the flow map from t to r.
  case jumps
}

/// A causal transformer with its packed weights, sampled frame by frame through a cache.
///
/// Copies share the weights, and so do all streams.
public struct LatentGenerator: Sendable {
  /// The network.
  public let model: CausalTransformer
  /// Standard deviation of the noise added to the latent before; the network is told.
  public let contextNoise: Float
  /// What the network is asked for.
  public let sampler: SamplerKind
  private let network: CompiledTransformer

  /// A generator with these weights, in the order of the model's layout, stored as `precision` says.
  public init(
    _ model: CausalTransformer, weights: [Tensor], contextNoise: Float, sampler: SamplerKind = .jumps,
    precision: InferencePrecision = .float32
  ) {
    self.sampler = sampler
    self.model = model
    self.contextNoise = contextNoise
    network = CompiledTransformer(model, weights: weights, precision: precision)
  }

  /// How weights and caches are stored.
  public var precision: InferencePrecision { network.precision }

  /// The extents of one latent frame, [1, height, width, channels].
  public var latentShape: Shape {
    let c = model.configuration
    return [1, c.latentHeight, c.latentWidth, c.latentChannels]
  }

  /// A stream whose frame 0 is `latent`: its keys and values become the sink.
  public func begin(_ latent: Tensor, seed: UInt64) -> LatentStream {
    let stream = LatentStream(network.makeStream(), random: Random(key: seed), count: latentShape.count)
    see(latent, EvaluationConditions(r: 0, t: 0, contextNoise: 0, action: 0), frame: 0, stream)
    return stream
  }

  /// Lets a stream see a true next frame, [1, height, width, channels], instead of generating it.
  public func observe(_ stream: LatentStream, _ latent: Tensor, action: Int) {
    stream.noisePrevious(contextNoise)
    see(
      latent, EvaluationConditions(r: 0, t: 0, contextNoise: contextNoise, action: action),
      frame: stream.frame + 1, stream)
  }

  /// Writes the keys and values of a clean frame to the cache.
  private func see(_ latent: Tensor, _ conditions: EvaluationConditions, frame: Int, _ stream: LatentStream) {
    precondition(latent.shape == latentShape, "LatentGenerator: a latent of shape \(latent.shape)")
    stream.setNoisy(latent)
    network.step([EvaluationRequest(stream.network, frame: frame, conditions, keep: 1, take: 0)])
    stream.finish(frame)
  }

  /// Generates the next latent frame [1, height, width, channels] of a stream in `steps` network evaluations.
  public func next(_ stream: LatentStream, action: Int, steps: Int) -> Tensor {
    (stream.action, stream.steps) = (action, steps)
    advance([stream])
    return latent(of: stream)
  }

  /// Generates the next latent frame of each stream, under its action and in its number of evaluations, batched.
  ///
  /// From noise at t = 1 down an even schedule to t = 0: X_{t→r}(z) = z − (t − r)(z − x̂)/t = (r/t)·z + (1 − r/t)·x̂.
  /// Allocates nothing once a batch of this size and its conditions have been seen.
  public func advance(_ streams: [LatentStream]) { advance(streams, beforeBlocks: {}) }

  /// The same; `check` is called before each block of each evaluation, and ends it by throwing: no stream has then
  /// advanced.
  func advance<Stop: Error>(
    _ streams: [LatentStream], beforeBlocks check: () throws(Stop) -> Void
  ) throws(Stop) {
    streams.walk { stream, _ in stream.prepare(contextNoise) }
    do throws(Stop) {
      try evaluate(streams, beforeBlocks: check)
    } catch {
      streams.walk { stream, _ in stream.goBack() }
      throw error
    }
    streams.walk { stream, _ in stream.finish(stream.frame + 1) }
  }

  private func evaluate<Stop: Error>(
    _ streams: [LatentStream], beforeBlocks check: () throws(Stop) -> Void
  ) throws(Stop) {
    var most = 0
    streams.walk { stream, _ in most = max(most, stream.steps) }
    var evaluation = 0
    while evaluation < most {
      let number = evaluation
      try network.step(beforeBlocks: check) { requests in
        streams.walk { stream, _ in
          if number < stream.steps { requests.append(request(stream, evaluation: number)) }
        }
      }
      evaluation += 1
    }
  }

  private func request(_ stream: LatentStream, evaluation: Int) -> EvaluationRequest {
    let t = 1 - Float(evaluation) / Float(stream.steps)
    let r = 1 - Float(evaluation + 1) / Float(stream.steps)
    let conditions = EvaluationConditions(
      r: sampler == .euler ? t : r, t: t, contextNoise: contextNoise, action: stream.action)
    return EvaluationRequest(
      stream.network, frame: stream.frame + 1, conditions, keep: r / t, take: 1 - r / t)
  }

  /// The frame that a stream is at, [1, height, width, channels].
  public func latent(of stream: LatentStream) -> Tensor { stream.copyLatent(latentShape) }
}
