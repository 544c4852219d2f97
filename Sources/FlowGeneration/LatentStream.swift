// SPDX-License-Identifier: Apache-2.0

public import FlowNN
public import FlowTensor

/// The state of one stream of a ``LatentGenerator``.
///
/// Not Sendable: one thread drives it.
public final class LatentStream {
  /// Frames generated so far, beside the given one.
  public private(set) var frame = 0
  /// The action that leads into the next frame.
  public var action = 0
  /// Network evaluations of the next frame.
  public var steps = 1

  package let network: TransformerStream
  private let count: Int
  private var random: Random
  /// The latents of the last two frames and noise, in turn: going back by one must be possible.
  private let latents: Workspace
  private let noise: Workspace
  private var current = 0
  /// Where the stream stood before the step at hand, or the last one.
  private var before: Place

  init(_ network: TransformerStream, random: Random, count: Int) {
    self.network = network
    self.random = random
    self.count = count
    latents = Workspace(count: 2 * count)
    noise = Workspace(count: count)
    before = Place(random: random, current: 0, frame: 0)
  }

  private init(copying other: LatentStream) {
    (frame, action, steps) = (other.frame, other.action, other.steps)
    network = other.network.copy()
    count = other.count
    (random, current, before) = (other.random, other.current, other.before)
    latents = Workspace(copying: other.latents)
    noise = Workspace(count: count)
  }

  /// A stream that goes on like this one to the bit, and on its own.
  ///
  /// Costs its memory, ``byteCount``, and the time to copy it.
  public func copy() -> LatentStream { LatentStream(copying: self) }

  /// Bytes that the stream holds.
  public var byteCount: Int { network.byteCount + 4 * 3 * count }

  /// Makes all noise from here on that of another seed, at the same places.
  public func reseed(_ seed: UInt64) { random = Random(key: seed, stream: random.stream) }

  private var latent: UnsafeMutablePointer<Float> { latents.floats + current * count }

  /// The latent before, noised, where the network reads it.
  func noisePrevious(_ deviation: Float) {
    random.fillNormal(noise.floats, count: count)
    Floats.blend(count, 1, latent, deviation, noise.floats, into: network.previous)
  }

  /// Makes ready for the next frame: the latent before, noised, and noise at t = 1 where the network reads them.
  func prepare(_ deviation: Float) {
    before = Place(random: random, current: current, frame: frame)
    noisePrevious(deviation)
    random.fillNormal(network.noisy, count: count)
  }

  func setNoisy(_ tensor: Tensor) {
    tensor.withElements { network.noisy.update(from: $0.baseAddress!, count: count) }
  }

  /// Makes what the network has left the latent of frame `frame`.
  func finish(_ frame: Int) {
    current = 1 - current
    latent.update(from: network.noisy, count: count)
    self.frame = frame
  }

  func copyLatent(_ shape: Shape) -> Tensor { Tensor(shape) { $0.update(from: latent, count: count) } }

  /// Whether every number of the frame it is at is finite.
  var isFinite: Bool { Floats.areFinite(count, latent) }

  /// All that a step changes beside the cache.
  private struct Place {
    let random: Random
    let current: Int
    let frame: Int
  }

  /// Undoes the step at hand, or the last one, and no more than one: the same frame fills the same slots of the cache.
  func goBack() { (random, current, frame) = (before.random, before.current, before.frame) }
}

extension CausalTransformerConfiguration {
  /// Bytes that one ``LatentStream`` holds: its cache, and little beside it.
  public func streamByteCount(_ precision: InferencePrecision) -> Int {
    evaluationByteCount(precision) + 4 * 3 * latentCount
  }
}
