// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
public import FlowTensor

/// The shape of an ``Autoencoder``.
public struct AutoencoderConfiguration: Sendable, Codable, Equatable {
  /// Rows of a picture, a multiple of 8.
  public var height: Int
  /// Pixels in a row, a multiple of 8.
  public var width: Int
  /// Channels at a quarter of the resolution.
  public var outerChannels: Int
  /// Channels at an eighth of the resolution.
  public var innerChannels: Int
  /// Residual blocks at each resolution, in each direction.
  public var blocks: Int
  /// Channels of a latent.
  public var latentChannels: Int

  /// An autoencoder of this shape.
  public init(
    height: Int, width: Int, outerChannels: Int, innerChannels: Int, blocks: Int, latentChannels: Int
  ) {
    self.height = height
    self.width = width
    self.outerChannels = outerChannels
    self.innerChannels = innerChannels
    self.blocks = blocks
    self.latentChannels = latentChannels
  }

  /// Rows of a latent.
  public var latentHeight: Int { height / 8 }
  /// Columns of a latent.
  public var latentWidth: Int { width / 8 }
  /// The shape of the latents of a batch.
  public func latentShape(batch: Int) -> Shape { [batch, latentHeight, latentWidth, latentChannels] }
}

/// A convolutional autoencoder of single pictures, 8× down in both directions.
///
/// Pictures are [batch, height, width, 3] in −1…1, latents [batch, height/8, width/8, channels]. A frame is decoded
/// on its own, so decoding streams.
public struct Autoencoder: Sendable {
  /// The shape.
  public let configuration: AutoencoderConfiguration
  /// The parameters.
  public let layout: ParameterLayout

  private let stem: ConvolutionLayer
  private let encoderOuter: [ResidualBlock]
  private let down: ConvolutionLayer
  private let encoderInner: [ResidualBlock]
  private let latent: ConvolutionLayer
  /// The parts that pictures are made by.
  let decoder: DecoderLayers
  /// Pixels of a side that a place at a quarter of the resolution stands for.
  static let unshuffle = 4
  /// Numbers of these pixels.
  static var pixelCount: Int { unshuffle * unshuffle * 3 }

  /// Declares the parameters of an autoencoder of this shape.
  public init(_ configuration: AutoencoderConfiguration) {
    let c = configuration
    var layout = ParameterLayout()
    func blocks(_ name: String, _ channels: Int) -> [ResidualBlock] {
      (0..<c.blocks).map { ResidualBlock(&layout, "\(name).\($0)", channels: channels) }
    }
    stem = ConvolutionLayer(&layout, "encoder.stem", input: Self.pixelCount, output: c.outerChannels)
    encoderOuter = blocks("encoder.outer", c.outerChannels)
    down = ConvolutionLayer(
      &layout, "encoder.down", input: c.outerChannels, output: c.innerChannels, stride: 2)
    encoderInner = blocks("encoder.inner", c.innerChannels)
    latent = ConvolutionLayer(&layout, "encoder.latent", input: c.innerChannels, output: c.latentChannels)
    let enter = ConvolutionLayer(
      &layout, "decoder.enter", input: c.latentChannels, output: c.innerChannels)
    let inner = blocks("decoder.inner", c.innerChannels)
    let up = ConvolutionLayer(
      &layout, "decoder.up", input: c.innerChannels, output: 4 * c.outerChannels)
    let outer = blocks("decoder.outer", c.outerChannels)
    let picture = ConvolutionLayer(
      &layout, "decoder.picture", input: c.outerChannels, output: Self.pixelCount)
    decoder = DecoderLayers(enter: enter, inner: inner, up: up, outer: outer, picture: picture)
    self.configuration = configuration
    self.layout = layout
  }

  /// Weights, in the order of the layout, with nothing where the decoder's were.
  public func withoutDecoder(_ weights: [Tensor]) -> [Tensor] {
    zip(layout.declarations, weights).map { isOfDecoder($0) ? .zeros([0]) : $1 }
  }

  /// The number of weights that are not the decoder's.
  public var encoderCount: Int {
    layout.declarations.reduce(0) { $0 + (isOfDecoder($1) ? 0 : $1.shape.count) }
  }

  private func isOfDecoder(_ declaration: ParameterLayout.Declaration) -> Bool {
    declaration.name.hasPrefix("decoder.")
  }

  /// Latents of pictures.
  public func encode(_ pictures: Variable, _ p: Parameters) -> Variable {
    var h = stem(pictures.pixelUnshuffled(Self.unshuffle), p)  // [batch, height/4, width/4, outer]
    for block in encoderOuter { h = block(h, p) }
    h = down(h, p)  // [batch, height/8, width/8, inner]
    for block in encoderInner { h = block(h, p) }
    return latent(h, p)
  }

  /// Pictures of latents.
  public func decode(_ latents: Variable, _ p: Parameters) -> Variable {
    var h = decoder.enter(latents, p)
    for block in decoder.inner { h = block(h, p) }
    h = decoder.up(h, p).pixelShuffled(2)  // [batch, height/4, width/4, outer]
    for block in decoder.outer { h = block(h, p) }
    return decoder.picture(h, p).pixelShuffled(Self.unshuffle)
  }
}

/// The parts of an ``Autoencoder`` that make pictures of latents, in their order.
struct DecoderLayers: Sendable {
  let enter: ConvolutionLayer
  /// At an eighth of the resolution.
  let inner: [ResidualBlock]
  let up: ConvolutionLayer
  /// At a quarter.
  let outer: [ResidualBlock]
  let picture: ConvolutionLayer

  /// All convolutions.
  var convolutions: [ConvolutionLayer] {
    let blocks = { (blocks: [ResidualBlock]) in blocks.flatMap { [$0.conv1, $0.conv2] } }
    return [enter] + blocks(inner) + [up] + blocks(outer) + [picture]
  }
}
