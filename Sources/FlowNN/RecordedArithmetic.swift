// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowTensor

/// A transformer on variables: all frames of a batch at once, derivatives recorded.
struct RecordedArithmetic: TransformerArithmetic {
  /// One [rows, width] a modulation, a row a frame.
  let modulations: [Variable]
  /// [batch, tokens of all frames, heads, width of a head].
  let sequence: Shape
  let angles: RotaryAngles
  let mask: AttentionMask
  let parameters: Parameters

  func modulatedNorm(_ x: Variable, shift: Int, scale: Int) -> Variable {
    x.modulatedNorm(scale: modulations[scale], shift: modulations[shift], epsilon: normEpsilon)
  }

  func linear(_ x: Variable, _ layer: LinearLayer, activation: LinearActivation) -> Variable {
    let y = layer(x, parameters)
    return activation == .gelu ? y.map(.gelu) : y
  }

  func attention(_ x: Variable, _ layers: AttentionLayers) -> Variable {
    let rotated = { (layer: LinearLayer, norm: Parameter) in
      layer(x, parameters).rmsNorm(weight: parameters[norm], epsilon: normEpsilon).reshaped(sequence)
        .rotated(cosine: angles.cosine, sine: angles.sine)
    }
    let values = layers.v(x, parameters).reshaped(sequence)
    return FlowAutodiff.attention(
      rotated(layers.q, layers.normQ), rotated(layers.k, layers.normK), values, mask: mask
    ).reshaped(x.shape)
  }

  func adding(_ x: Variable, gate: Int, _ layer: LinearLayer, of y: Variable) -> Variable {
    x.adding(layer(y, parameters), gate: modulations[gate])
  }
}
