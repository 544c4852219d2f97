// SPDX-License-Identifier: Apache-2.0

internal import FlowNN
public import FlowTensor

/// What shows the latents of a ``LatentCodec`` where nothing is learnt: its decoder, packed in a precision.
public struct FrameDecoder: Sendable {
  private let codec: LatentCodec
  private let decoder: CompiledDecoder

  /// Packs the decoder of a codec, whose weights are not kept.
  public init(_ codec: LatentCodec, precision: InferencePrecision) {
    decoder = CompiledDecoder(codec.model, weights: codec.weights, precision: precision)
    self.codec = codec.withoutDecoder
  }

  /// Pictures [count, height, width, 3] in −1…1, in steps of a byte, of normalised latents.
  public func decode(_ latents: Tensor) -> Tensor {
    let size = codec.model.configuration
    let pixels = bytes(latents, betweenStages: {}).flatMap { $0 }
    return pixels.withUnsafeBufferPointer {
      Tensor(bytes: $0, scale: 1 / 127.5, shift: -1, shape: [latents.shape[0], size.height, size.width, 3])
    }
  }

  /// The bytes of each picture, −1…1 being 0…255; `check` is called between the decoder's stages, and ends it by throwing.
  func bytes<Stop: Error>(
    _ latents: Tensor, betweenStages check: () throws(Stop) -> Void
  ) throws(Stop) -> [[UInt8]] {
    try decoder.decode(codec.denormalised(latents), betweenStages: check)
  }
}
