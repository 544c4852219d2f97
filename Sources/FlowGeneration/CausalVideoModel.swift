// SPDX-License-Identifier: Apache-2.0

internal import FlowNN
internal import FlowTensor

/// A bundle's causal generator behind ``VideoModel``: latents through the cache, pictures through the decoder.
public final class CausalVideoModel: VideoModel {
  /// What the model is.
  public let description: VideoModelDescription
  private let bundle: VideoBundle

  /// A model that runs a bundle.
  public init(_ bundle: VideoBundle) {
    let m = bundle.manifest
    self.bundle = bundle
    description = VideoModelDescription(
      name: bundle.name, sha256: bundle.sha256, width: m.autoencoder.width, height: m.autoencoder.height,
      framesPerSecond: m.framesPerSecond, actions: m.actions,
      defaultAction: m.actions.firstIndex(of: m.defaultAction) ?? 0, defaultSteps: m.defaultSteps,
      maximumSteps: m.maximumSteps,
      bytesPerStream: m.transformer.cacheByteCount(bundle.generator.precision),
      dataLicence: m.dataLicence)
  }

  /// Begins a stream at the given picture, or at the start frame that the seed chooses.
  public func makeStream(_ options: StreamOptions) -> any VideoStream {
    let start: Tensor
    if let image = options.initialImage {
      start = bundle.codec.encode(Tensor(image))
    } else {
      let index = Int(options.seed % UInt64(bundle.manifest.starts))
      start = bundle.starts.rows(index..<index + 1)
    }
    return CausalVideoStream(bundle.generator.begin(start, seed: options.seed), steps: options.steps)
  }

  /// Generates the next frame of each stream.
  public func advance(_ streams: [any VideoStream], actions: [Int]) throws(NumericalError) -> [RGBImage] {
    let causal = streams.map { stream in
      guard let stream = stream as? CausalVideoStream else {
        preconditionFailure("advance: a stream of another model")
      }
      return stream
    }
    let before = causal.map(\.latents.place)
    for (stream, action) in zip(causal, actions) {
      stream.latents.action = action
      stream.latents.steps = stream.steps
    }
    bundle.generator.advance(causal.map(\.latents))
    if let bad = causal.firstIndex(where: { !$0.latents.isFinite }) {
      let frame = causal[bad].framesGenerated
      for (stream, place) in zip(causal, before) { stream.latents.place = place }
      throw NumericalError(place: "the latent of frame \(frame)")
    }
    return causal.map { picture(bundle.codec.decode(bundle.generator.latent(of: $0.latents))) }
  }

  private func picture(_ pixels: Tensor) -> RGBImage {
    RGBImage(
      width: description.width, height: description.height, pixels: pixels.bytes(scale: 127.5, shift: 127.5))
  }
}

/// A stream of a ``CausalVideoModel``.
final class CausalVideoStream: VideoStream {
  let latents: LatentStream
  let steps: Int
  var framesGenerated: Int { latents.frame }

  init(_ latents: LatentStream, steps: Int) {
    self.latents = latents
    self.steps = steps
  }
}

extension Tensor {
  /// A picture as [1, height, width, 3] in −1…1.
  init(_ image: RGBImage) {
    self = image.pixels.withUnsafeBufferPointer { pixels in
      Tensor(bytes: pixels, scale: 1 / 127.5, shift: -1, shape: [1, image.height, image.width, 3])
    }
  }
}
