// SPDX-License-Identifier: Apache-2.0

package import FlowNN
internal import FlowTensor

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

  init(_ network: TransformerStream, random: Random, count: Int) {
    self.network = network
    self.random = random
    self.count = count
    latents = Workspace(count: 2 * count)
    noise = Workspace(count: count)
  }

  private var latent: UnsafeMutablePointer<Float> { latents.floats + current * count }

  /// The latent before, noised, where the network reads it.
  func noisePrevious(_ deviation: Float) {
    random.fillNormal(noise.floats, count: count)
    Floats.blend(count, 1, latent, deviation, noise.floats, into: network.previous)
  }

  /// Noise at t = 1 where the network reads the noisy latent.
  func drawNoisy() { random.fillNormal(network.noisy, count: count) }

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

  /// All that a step changes beside the cache. Going back to it undoes the step, one step far: the same frame fills the
  /// same slots.
  struct Place {
    fileprivate let random: Random
    fileprivate let current: Int
    fileprivate let frame: Int
  }

  var place: Place {
    get { Place(random: random, current: current, frame: frame) }
    set { (random, current, frame) = (newValue.random, newValue.current, newValue.frame) }
  }
}
