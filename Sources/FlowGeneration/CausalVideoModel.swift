// SPDX-License-Identifier: Apache-2.0

internal import FlowNN
public import FlowTensor

/// A bundle's causal generator behind ``VideoModel``: latents through the cache, pictures through the decoder.
public final class CausalVideoModel: VideoModel {
  /// What the model is.
  public let description: VideoModelDescription
  private let codec: LatentCodec
  private let decoder: FrameDecoder
  private let generator: LatentGenerator
  private let starts: Tensor

  /// A model that runs a bundle; the weights that the generator was packed from are not kept.
  public init(_ bundle: VideoBundle) {
    description = bundle.manifest.description(
      name: bundle.name, sha256: bundle.sha256, weightsByteCount: bundle.weightsByteCount,
      precision: bundle.generator.precision)
    (codec, generator, starts) = (bundle.codec.withoutDecoder, bundle.generator, bundle.starts)
    decoder = FrameDecoder(bundle.codec, precision: generator.precision)
  }

  /// Loads the model in a folder; gives the memory that only loading needed back to the system.
  public convenience init(folder: String, precision: InferencePrecision? = nil) throws(BundleError) {
    self.init(try VideoBundle(folder: folder, precision: precision))
    TensorMemory.releaseUnused()
  }

  /// Begins a stream at the given picture, or at the start frame that the seed chooses.
  public func makeStream(_ options: StreamOptions) -> any VideoStream {
    let start: Tensor
    if let image = options.initialImage {
      start = codec.encode(Tensor(image))
    } else {
      let index = Int(options.seed % UInt64(starts.shape[0]))
      start = starts.rows(index..<index + 1)
    }
    let latents = generator.begin(start, seed: options.seed)
    latents.steps = options.steps
    return CausalVideoStream(latents)
  }

  /// Generates the next frame of each stream.
  public func advance(
    _ streams: [any VideoStream], actions: [Int], unless cancellation: Cancellation
  ) throws(AdvanceError) -> [RGBImage] {
    precondition(!streams.isEmpty, "advance: no streams")
    let latents = zip(streams, actions).map { stream, action in
      guard let stream = stream as? CausalVideoStream else {
        preconditionFailure("advance: a stream of another model")
      }
      stream.latents.action = action
      return stream.latents
    }
    do throws(Cancelled) {
      try generator.advance(latents, beforeBlocks: cancellation.check)
    } catch {
      throw .cancelled
    }
    do throws(AdvanceError) {
      if let bad = latents.first(where: { !$0.isFinite }) {
        throw .numerical(place: "the latent of frame \(bad.frame)")
      }
      return try pictures(latents, unless: cancellation)
    } catch {
      for stream in latents { stream.goBack() }
      throw error
    }
  }

  /// What the latents show.
  private func pictures(
    _ latents: [LatentStream], unless cancellation: Cancellation
  ) throws(AdvanceError) -> [RGBImage] {
    let all = Tensor.concatenate(latents.map(generator.latent(of:)), axis: 0)
    do throws(Cancelled) {
      return try decoder.bytes(all, betweenStages: cancellation.check).map { pixels in
        RGBImage(width: description.width, height: description.height, pixels: pixels)
      }
    } catch {
      throw .cancelled
    }
  }
}

/// A stream of a ``CausalVideoModel``.
final class CausalVideoStream: VideoStream {
  let latents: LatentStream
  var framesGenerated: Int { latents.frame }
  var byteCount: Int { latents.byteCount }

  init(_ latents: LatentStream) { self.latents = latents }

  func copy() -> any VideoStream { CausalVideoStream(latents.copy()) }

  func reseed(_ seed: UInt64) { latents.reseed(seed) }
}

extension Tensor {
  /// A picture as [1, height, width, 3] in −1…1.
  init(_ image: RGBImage) {
    self = image.pixels.withUnsafeBufferPointer { pixels in
      Tensor(bytes: pixels, scale: 1 / 127.5, shift: -1, shape: [1, image.height, image.width, 3])
    }
  }
}
