// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// A convolution of a decoder and what becomes of its results before the next.
struct DecoderStage: Sendable {
  /// Where results go.
  enum Result: Sendable {
    /// They are the tokens.
    case tokens
    /// They are what lies within a residual block.
    case hidden
    /// They are added to the tokens.
    case residual
    /// They are the tokens of twice as many lines and places.
    case finer
    /// They are pixels.
    case pixels
  }

  let layer: PackedConvolution
  let result: Result
  /// The weight of the norm and activation that results go through on their way to the next convolution, if they do.
  let norm: ConstantVector?
  /// Whether it reads at the finer resolution.
  let isFine: Bool
}

/// The decoder of an ``Autoencoder`` as a list of convolutions: ``Autoencoder/decode(_:_:)`` with packed weights.
struct DecoderPlan: Sendable {
  let configuration: AutoencoderConfiguration
  let precision: InferencePrecision
  let stages: [DecoderStage]

  init(_ model: Autoencoder, weights: [Tensor], precision: InferencePrecision) {
    let arena = WeightArena(reserving: Self.packedByteCount(model, precision))
    var stages: [DecoderStage] = []
    func append(
      _ layer: ConvolutionLayer, _ result: DecoderStage.Result, then norm: Parameter?, isFine: Bool
    ) {
      stages.append(
        DecoderStage(
          layer: PackedConvolution(
            weight: weights[layer.weight.index], bias: weights[layer.bias.index], precision: precision,
            in: arena),
          result: result, norm: norm.map { ConstantVector(weights[$0.index]) }, isFine: isFine))
    }
    func append(_ blocks: [ResidualBlock], isFine: Bool) {
      for (index, block) in blocks.enumerated() {
        append(block.conv1, .hidden, then: block.norm2, isFine: isFine)
        append(
          block.conv2, .residual, then: blocks[(index + 1)...].first?.norm1, isFine: isFine)
      }
    }
    let d = model.decoder
    append(d.enter, .tokens, then: d.inner.first?.norm1, isFine: false)
    append(d.inner, isFine: false)
    append(d.up, .finer, then: d.outer.first?.norm1, isFine: false)
    append(d.outer, isFine: true)
    append(d.picture, .pixels, then: nil, isFine: true)
    configuration = model.configuration
    self.precision = precision
    self.stages = stages
  }

  /// Bytes of the packed convolutions.
  static func packedByteCount(_ model: Autoencoder, _ precision: InferencePrecision) -> Int {
    model.decoder.convolutions.reduce(0) { total, layer in
      let shape = model.layout.declarations[layer.weight.index].shape
      return total + PackedConvolution.byteCount(inputs: shape[3], outputs: shape[0], precision: precision)
    }
  }
}
