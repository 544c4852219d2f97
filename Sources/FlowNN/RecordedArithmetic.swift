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

  func linear(_ x: Variable, _ layer: LinearLayer) -> Variable { layer(x, parameters) }

  func modulatedLinear(_ x: Variable, shift: Int, scale: Int, _ layer: LinearLayer) -> Variable {
    modulated(x, shift: shift, scale: scale, [layer])[0]
  }

  func attention(_ x: Variable, shift: Int, scale: Int, _ layers: AttentionLayers) -> Variable {
    let h = modulated(x, shift: shift, scale: scale, [layers.q, layers.k, layers.v])
    return FlowAutodiff.attention(
      rotated(h[0], layers.normQ), rotated(h[1], layers.normK), h[2].reshaped(sequence), mask: mask
    ).reshaped(x.shape)
  }

  func adding(_ x: Variable, gate: Int, _ layer: LinearLayer, of y: Variable) -> Variable {
    let (weight, bias) = layer.values(parameters)
    return x.addingLinear(y, gate: modulations[gate], weight: weight, bias: bias)
  }

  func addingFeedForward(
    _ x: Variable, shift: Int, scale: Int, gate: Int, up: LinearLayer, down: LinearLayer
  ) -> Variable {
    x.addingFeedForward(
      scale: modulations[scale], shift: modulations[shift], gate: modulations[gate],
      up: up.values(parameters), down: down.values(parameters), activation: .gelu, epsilon: normEpsilon)
  }

  private func modulated(_ x: Variable, shift: Int, scale: Int, _ layers: [LinearLayer]) -> [Variable] {
    x.modulatedLinear(
      scale: modulations[scale], shift: modulations[shift], layers: layers.map { $0.values(parameters) },
      epsilon: normEpsilon)
  }

  private func rotated(_ x: Variable, _ norm: Parameter) -> Variable {
    x.rmsNorm(weight: parameters[norm], epsilon: normEpsilon).reshaped(sequence)
      .rotated(cosine: angles.cosine, sine: angles.sine)
  }
}
