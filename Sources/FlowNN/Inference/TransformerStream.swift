// SPDX-License-Identifier: Apache-2.0

package import FlowTensor
internal import Glibc

/// What one stream of a ``CompiledTransformer`` owns: its cache, the latents that a step reads and writes, and the
/// rotations of the frame at hand.
///
/// Not Sendable: one thread drives it. Nothing is allocated after the start.
public final class TransformerStream {
  let cache: KVCache
  let rotation: FrameRotation
  private let noisyMemory: Workspace
  private let previousMemory: Workspace

  init(_ configuration: CausalTransformerConfiguration, precision: InferencePrecision) {
    cache = KVCache(configuration, precision: precision)
    rotation = FrameRotation(configuration)
    noisyMemory = Workspace(count: configuration.latentCount)
    previousMemory = Workspace(count: configuration.latentCount)
  }

  private init(copying other: TransformerStream) {
    cache = other.cache.copy()
    rotation = FrameRotation(copying: other.rotation)
    noisyMemory = Workspace(copying: other.noisyMemory)
    previousMemory = Workspace(copying: other.previousMemory)
  }

  /// A stream of the same contents in memory of its own: costs ``byteCount`` bytes and the time to copy them.
  package func copy() -> TransformerStream { TransformerStream(copying: self) }

  /// Bytes that the stream holds.
  package var byteCount: Int {
    cache.heads.byteCount + rotation.byteCount + noisyMemory.byteCount + previousMemory.byteCount
  }

  /// z, `latentCount` numbers: read by a step and moved on by it.
  package var noisy: UnsafeMutablePointer<Float> { noisyMemory.floats }
  /// The latent before, noised, `latentCount` numbers.
  package var previous: UnsafeMutablePointer<Float> { previousMemory.floats }

  /// The keys and values of a layer that frame `frame` sees, as the kernels see them: [tokens, heads, width] each.
  package func cached(layer: Int, frame: Int) -> (keys: Tensor, values: Tensor) {
    cache.heads.read(layer: layer, tokens: cache.visible(from: frame))
  }
}

/// The rotations of the tokens of one frame, kept up to date: what the frame's time decides is written anew for each
/// frame, what the place in the frame decides only once.
final class FrameRotation {
  private let tokens: Int
  private let pairs: Int
  private let frequencies: [Double]
  private let memory: Workspace
  private var frame = 0

  init(_ c: CausalTransformerConfiguration) {
    let angles = RotaryAngles(
      frames: [0], rows: c.latentHeight / 2, columns: c.latentWidth / 2, headWidth: c.width / c.heads)
    tokens = c.tokens
    pairs = c.width / c.heads / 2
    frequencies = RotaryAngles.timeFrequencies(headWidth: c.width / c.heads)
    memory = Workspace(count: 2 * tokens * pairs)
    angles.cosine.withElements { cosine.update(from: $0.baseAddress!, count: $0.count) }
    angles.sine.withElements { sine.update(from: $0.baseAddress!, count: $0.count) }
  }

  /// The same rotations in memory of their own.
  init(copying other: FrameRotation) {
    (tokens, pairs, frequencies, frame) = (other.tokens, other.pairs, other.frequencies, other.frame)
    memory = Workspace(copying: other.memory)
  }

  /// Bytes of the angles.
  var byteCount: Int { memory.byteCount }

  /// [tokens, pairs].
  var cosine: UnsafeMutablePointer<Float> { memory.floats }
  /// [tokens, pairs].
  var sine: UnsafeMutablePointer<Float> { memory.floats + tokens * pairs }

  /// Turns to frame `frame`. The angles of time are those of the first channels, the same for all tokens.
  func turn(to frame: Int) {
    if frame == self.frame { return }
    self.frame = frame
    frequencies.walk { frequency, pair in
      let angle = Double(frame) * frequency
      cosine[pair] = Float(cos(angle))
      sine[pair] = Float(sin(angle))
    }
    walk(tokens - 1) { token in
      (cosine + (token + 1) * pairs).update(from: cosine, count: frequencies.count)
      (sine + (token + 1) * pairs).update(from: sine, count: frequencies.count)
    }
  }
}

extension CausalTransformerConfiguration {
  /// Bytes that a stream of a ``CompiledTransformer`` holds: its cache, two latents, and a cosine and a sine for each pair
  /// of channels of each token of a head.
  package func evaluationByteCount(_ precision: InferencePrecision) -> Int {
    cacheByteCount(precision) + 4 * (2 * latentCount + 2 * tokens * (width / heads / 2))
  }
}
