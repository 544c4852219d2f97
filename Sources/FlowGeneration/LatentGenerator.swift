// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowMaps
public import FlowNN
public import FlowTensor

/// What the network is asked for when a sample moves from t down to r.
public enum SamplerKind: String, Sendable, Codable {
  /// The instantaneous velocity at t, followed for the whole step: for a model that knows the diagonal only.
  case euler
  /// The jump of the flow map from t to r.
  case jumps
}

/// A causal transformer with its weights, sampled frame by frame through a cache.
public struct LatentGenerator: Sendable {
  /// The network.
  public let model: CausalTransformer
  /// Its weights, in the order of its layout.
  public let weights: [Tensor]
  /// Standard deviation of the noise added to the latent before; the network is told.
  public let contextNoise: Float
  /// What the network is asked for.
  public let sampler: SamplerKind

  /// A generator with these weights.
  public init(
    _ model: CausalTransformer, weights: [Tensor], contextNoise: Float, sampler: SamplerKind = .jumps
  ) {
    self.sampler = sampler
    self.model = model
    self.weights = weights
    self.contextNoise = contextNoise
  }

  /// The extents of one latent frame, [1, height, width, channels].
  public var latentShape: Shape {
    let c = model.configuration
    return [1, c.latentHeight, c.latentWidth, c.latentChannels]
  }

  /// A stream whose frame 0 is `latent`: its keys and values become the sink.
  public func begin(_ latent: Tensor, seed: UInt64) -> LatentStream {
    let stream = LatentStream(cache: model.makeCache(), random: Random(key: seed))
    let conditions = FrameConditions(
      previous: Variable(.zeros(sequenceShape)), actions: [0], contextNoise: Variable(.zeros([1, 1])))
    see(latent, conditions, frame: 0, stream)
    return stream
  }

  /// Lets a stream see a true next frame, [1, height, width, channels], instead of generating it.
  public func observe(_ stream: LatentStream, _ latent: Tensor, action: Int) {
    see(latent, conditions(stream, action: action), frame: stream.frame + 1, stream)
  }

  /// Writes the keys and values of a clean frame to the cache.
  private func see(_ latent: Tensor, _ conditions: FrameConditions, frame: Int, _ stream: LatentStream) {
    let clean = latent.reshaped(sequenceShape)
    _ = model.step(
      Variable(clean), r: 0, t: 0, conditions, frame: frame, cache: stream.cache, Parameters(weights))
    stream.latent = clean
    stream.frame = frame
  }

  private func conditions(_ stream: LatentStream, action: Int) -> FrameConditions {
    let noise = stream.random.normal(sequenceShape).affine(scale: contextNoise)
    return FrameConditions(
      previous: Variable(Tensor.combine(.add, stream.latent!, noise)), actions: [Int32(action)],
      contextNoise: Variable(Tensor([contextNoise], shape: [1, 1])))
  }

  /// Generates the next latent frame [1, height, width, channels] of a stream in `steps` network evaluations.
  ///
  /// From noise at t = 1 down an even schedule to t = 0.
  public func next(_ stream: LatentStream, action: Int, steps: Int) -> Tensor {
    let frame = stream.frame + 1
    let conditions = conditions(stream, action: action)
    var z = Variable(stream.random.normal(sequenceShape))
    let times = uniformSchedule(steps: steps)
    for (t, r) in zip(times, times.dropFirst()) {
      let x = model.step(
        z, r: sampler == .euler ? t : r, t: t, conditions, frame: frame, cache: stream.cache,
        Parameters(weights))
      // X_{t→r}(z) = z − (t − r)(z − x)/t.
      z = (r / t) * z + (1 - r / t) * x
    }
    stream.latent = z.tensor
    stream.frame = frame
    return z.tensor.reshaped(latentShape)
  }

  private var sequenceShape: Shape { Shape([1] + latentShape.extents) }
}

/// The state of one stream of a ``LatentGenerator``.
public final class LatentStream {
  let cache: KVCache
  var random: Random
  fileprivate(set) var latent: Tensor?
  /// Frames generated so far, beside the given one.
  public fileprivate(set) var frame = 0

  init(cache: KVCache, random: Random) {
    self.cache = cache
    self.random = random
  }

  /// All that a step changes beside the cache. Going back to it undoes the step: the same frame fills the same slots.
  struct Place {
    fileprivate let random: Random
    fileprivate let latent: Tensor?
    fileprivate let frame: Int
  }

  var place: Place {
    get { Place(random: random, latent: latent, frame: frame) }
    set { (random, latent, frame) = (newValue.random, newValue.latent, newValue.frame) }
  }
}
