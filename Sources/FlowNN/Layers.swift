// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
public import FlowTensor

/// y = x·Wᵀ + b over the last axis.
public struct LinearLayer: Sendable {
  let weight: Parameter
  let bias: Parameter

  /// Declares `name.weight` [output, input] and `name.bias` [output]; `gain` scales the usual
  /// 1/√input, 0 starts at zero.
  public init(_ layout: inout ParameterLayout, _ name: String, input: Int, output: Int, gain: Float = 1) {
    let deviation = gain / Float(input).squareRoot()
    weight = layout.declare("\(name).weight", [output, input], gain == 0 ? .zeros : .normal(deviation))
    bias = layout.declare("\(name).bias", [output], .zeros)
  }

  /// The layer applied to x [..., input], and an activation to its results while they are in cache.
  public func callAsFunction(_ x: Variable, _ parameters: Parameters, activation: Activation? = nil)
    -> Variable
  {
    linear(x, weight: parameters[weight], bias: parameters[bias], activation: activation)
  }
}

extension LinearLayer {
  /// The values of the layer's weight and bias.
  func values(_ p: Parameters) -> (weight: Variable, bias: Variable) { (p[weight], p[bias]) }
}

/// A convolution over pictures, channels last.
public struct ConvolutionLayer: Sendable {
  let weight: Parameter
  let bias: Parameter
  let geometry: Convolution2D

  /// Declares `name.weight` [output, kernel, kernel, input] and `name.bias` [output].
  public init(
    _ layout: inout ParameterLayout, _ name: String, input: Int, output: Int, kernel: Int = 3,
    stride: Int = 1,
    gain: Float = 1
  ) {
    geometry = Convolution2D(kernel: kernel, stride: stride, padding: kernel / 2)
    let deviation = gain / Float(input * kernel * kernel).squareRoot()
    weight = layout.declare(
      "\(name).weight", [output, kernel, kernel, input], gain == 0 ? .zeros : .normal(deviation))
    bias = layout.declare("\(name).bias", [output], .zeros)
  }

  /// The layer applied to x [batch, height, width, input].
  public func callAsFunction(_ x: Variable, _ parameters: Parameters) -> Variable {
    convolve(x, weight: parameters[weight], bias: parameters[bias], geometry)
  }
}

/// x + conv(silu(norm(conv(silu(norm(x)))))), the second convolution starting at zero.
struct ResidualBlock: Sendable {
  let norm1: Parameter
  let norm2: Parameter
  let conv1: ConvolutionLayer
  let conv2: ConvolutionLayer

  init(_ layout: inout ParameterLayout, _ name: String, channels: Int) {
    norm1 = layout.declare("\(name).norm1.weight", [channels], .ones)
    conv1 = ConvolutionLayer(&layout, "\(name).conv1", input: channels, output: channels, gain: 1.5)
    norm2 = layout.declare("\(name).norm2.weight", [channels], .ones)
    conv2 = ConvolutionLayer(&layout, "\(name).conv2", input: channels, output: channels, gain: 0)
  }

  func callAsFunction(_ x: Variable, _ p: Parameters) -> Variable {
    let h = conv1(x.rmsNorm(weight: p[norm1], epsilon: normEpsilon).map(.silu), p)
    return x + conv2(h.rmsNorm(weight: p[norm2], epsilon: normEpsilon).map(.silu), p)
  }
}

extension Variable {
  /// Trades space for channels: [batch, h·k, w·k, c] to [batch, h, w, k·k·c].
  func pixelUnshuffled(_ k: Int) -> Variable {
    let (b, h, w, c) = (shape[0], shape[1] / k, shape[2] / k, shape[3])
    return reshaped([b, h, k, w, k, c]).permuted([0, 1, 3, 2, 4, 5]).reshaped([b, h, w, k * k * c])
  }

  /// Trades channels for space: [batch, h, w, k·k·c] to [batch, h·k, w·k, c].
  func pixelShuffled(_ k: Int) -> Variable {
    let (b, h, w, c) = (shape[0], shape[1], shape[2], shape[3] / (k * k))
    return reshaped([b, h, w, k, k, c]).permuted([0, 1, 3, 2, 4, 5]).reshaped([b, h * k, w * k, c])
  }
}
