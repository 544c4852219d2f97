// SPDX-License-Identifier: Apache-2.0

public import FlowTensor
internal import Synchronization

/// The decoder of an ``Autoencoder`` made ready to show pictures: weights packed in a precision, buffers taken in advance,
/// norms, activations and sums done while lines are in cache.
///
/// Agrees with ``Autoencoder/decode(_:_:)`` as far as the precision goes. What a picture becomes does not depend on the
/// others of its batch, nor on the team.
public final class CompiledDecoder: Sendable {
  /// Safe to send: used under the lock alone.
  private struct State: @unchecked Sendable {
    let run: DecoderRun
  }
  private let state: Mutex<State>

  /// Packs the decoder's weights of a model, given in the order of its layout.
  public init(_ model: Autoencoder, weights: [Tensor], precision: InferencePrecision) {
    state = Mutex(State(run: DecoderRun(DecoderPlan(model, weights: weights, precision: precision))))
  }

  /// Pictures of latents [count, height/8, width/8, channels], each as height·width·3 bytes, −1…1 being 0…255.
  public func decode(_ latents: Tensor) -> [[UInt8]] { decode(latents, betweenStages: {}) }

  /// The same; `check` is called before each convolution, and ends it by throwing.
  package func decode<Stop: Error>(
    _ latents: Tensor, betweenStages check: () throws(Stop) -> Void
  ) throws(Stop) -> [[UInt8]] {
    try state.withLock { state throws(Stop) in try state.run.run(latents, betweenStages: check) }
  }
}

extension Autoencoder {
  /// Bytes that a ``CompiledDecoder`` of this model keeps for its convolutions. Its buffers, which grow with its batch,
  /// come on top.
  public func residentDecoderByteCount(_ precision: InferencePrecision) -> Int {
    DecoderPlan.packedByteCount(self, precision)
  }
}
