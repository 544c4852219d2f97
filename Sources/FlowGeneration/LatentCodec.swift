// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowDigest
public import FlowNN
public import FlowTensor

/// An autoencoder with its weights, whose latents are normalised to mean 0 and deviation 1 in each channel.
public struct LatentCodec: Sendable {
  /// The network.
  public let model: Autoencoder
  /// Its weights, in the order of its layout.
  public let weights: [Tensor]
  /// The mean of each channel over the training pictures.
  public let mean: Tensor
  /// The standard deviation of each channel over the training pictures.
  public let deviation: Tensor

  /// A codec whose latents have this mean and deviation, [channels] each.
  public init(_ model: Autoencoder, weights: [Tensor], mean: Tensor, deviation: Tensor) {
    self.model = model
    self.weights = weights
    self.mean = mean
    self.deviation = deviation
  }

  /// A codec that measures mean and deviation on these pictures, [count, height, width, 3] in −1…1.
  public init(_ model: Autoencoder, weights: [Tensor], measuredOn pictures: Tensor) {
    let latents = model.encode(Variable(pictures), Parameters(weights)).tensor
    let channels = latents.shape[-1], count = Float(latents.count / channels)
    let rows = latents.reshaped([latents.count / channels, channels])
    let mean = rows.sum(axis: 0).affine(scale: 1 / count)
    let centred = Tensor.combine(.subtract, rows, mean)
    let deviation = centred.map(.square).sum(axis: 0).affine(scale: 1 / count, shift: 1e-8).map(.sqrt)
    self.init(model, weights: weights, mean: mean, deviation: deviation)
  }

  /// SHA-256 of everything that decides the latents: latents of another digest are other latents.
  public var digest: String {
    var hash = SHA256()
    for tensor in weights + [mean, deviation] {
      tensor.withElements { hash.update(UnsafeRawBufferPointer($0)) }
    }
    return hash.hexadecimal()
  }

  /// Normalised latents [count, height/8, width/8, channels] of pictures [count, height, width, 3] in −1…1.
  public func encode(_ pictures: Tensor) -> Tensor {
    let latents = model.encode(Variable(pictures), Parameters(weights)).tensor
    return Tensor.combine(.divide, Tensor.combine(.subtract, latents, mean), deviation)
  }

  /// Pictures [count, height, width, 3], near −1…1, of normalised latents.
  public func decode(_ latents: Tensor) -> Tensor {
    model.decode(Variable(denormalised(latents)), Parameters(weights)).tensor
  }

  /// The same without the weights that only ``decode(_:)`` needs: what is kept where they have been packed.
  var withoutDecoder: LatentCodec {
    LatentCodec(model, weights: model.withoutDecoder(weights), mean: mean, deviation: deviation)
  }

  /// What the decoder is given for normalised latents.
  func denormalised(_ latents: Tensor) -> Tensor {
    Tensor.combine(.add, Tensor.combine(.multiply, latents, deviation), mean)
  }
}
