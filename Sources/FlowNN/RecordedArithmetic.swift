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
    layer(x, parameters, activation: activation == .gelu ? .gelu : nil)
  }

  func attention(_ x: Variable, _ layers: AttentionLayers) -> Variable {
    attention([layers.q, layers.k, layers.v].map { $0(x, parameters) }, layers).reshaped(x.shape)
  }

  /// Attention of queries, keys and values as their layers give them.
  private func attention(_ made: [Variable], _ layers: AttentionLayers) -> Variable {
    let rotated = { (x: Variable, norm: Parameter) in
      x.rmsNorm(weight: parameters[norm], epsilon: normEpsilon).reshaped(sequence)
        .rotated(cosine: angles.cosine, sine: angles.sine)
    }
    return FlowAutodiff.attention(
      rotated(made[0], layers.normQ), rotated(made[1], layers.normK), made[2].reshaped(sequence), mask: mask)
  }

  func adding(_ x: Variable, gate: Int, _ layer: LinearLayer, of y: Variable) -> Variable {
    let (weight, bias) = layer.values(parameters)
    return x.addingLinear(y, gate: modulations[gate], weight: weight, bias: bias)
  }

  func linear(_ x: Variable, shift: Int, scale: Int, _ layer: LinearLayer) -> Variable {
    modulatedLinear(x, shift: shift, scale: scale, [layer])[0]
  }

  func attention(_ x: Variable, shift: Int, scale: Int, _ layers: AttentionLayers) -> Variable {
    let made = modulatedLinear(x, shift: shift, scale: scale, [layers.q, layers.k, layers.v])
    return attention(made, layers).reshaped(x.shape)
  }

  func addingFeedForward(
    _ x: Variable, shift: Int, scale: Int, gate: Int, up: LinearLayer, down: LinearLayer
  ) -> Variable {
    x.addingFeedForward(
      scale: modulations[scale], shift: modulations[shift], gate: modulations[gate],
      up: up.values(parameters), down: down.values(parameters), activation: .gelu, epsilon: normEpsilon)
  }

  private func modulatedLinear(_ x: Variable, shift: Int, scale: Int, _ layers: [LinearLayer]) -> [Variable] {
    x.modulatedLinear(
      scale: modulations[scale], shift: modulations[shift], layers: layers.map { $0.values(parameters) },
      epsilon: normEpsilon)
  }
}
