// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowTensor

/// The shape of an ``MLP``.
public struct MLPConfiguration: Sendable, Codable, Equatable {
  /// Numbers in a state: coordinates of the ambient space, and whatever else the network is to know.
  public var input: Int
  /// Numbers in an answer.
  public var output: Int
  /// Width of a hidden layer.
  public var width: Int
  /// Hidden layers.
  public var layers: Int
  /// Frequencies of the embedding of each time.
  public var frequencies: Int
  /// The highest of them, in radians a unit of time.
  public var timeScale: Double

  /// A network of this shape.
  public init(
    input: Int, output: Int, width: Int, layers: Int, frequencies: Int = 32, timeScale: Double = 30
  ) {
    self.input = input
    self.output = output
    self.width = width
    self.layers = layers
    self.frequencies = frequencies
    self.timeScale = timeScale
  }
}

/// A feed-forward network of states and two times, for flow maps on low-dimensional spaces.
///
/// The state and the features of t and of t − r stand side by side at the input; hidden layers are h ← silu(W·h + b);
/// the last layer begins at zero, so that a fresh network answers zero.
public struct MLP: Sendable {
  /// The shape.
  public let configuration: MLPConfiguration
  /// The parameters.
  public let layout: ParameterLayout

  private let times: TimeFeatures
  private let hidden: [LinearLayer]
  private let head: LinearLayer

  /// Declares the parameters of a network of this shape.
  public init(_ configuration: MLPConfiguration) {
    let c = configuration
    precondition(c.layers > 0, "MLP: \(c.layers) hidden layers")
    let times = TimeFeatures(frequencies: c.frequencies, scale: c.timeScale)
    var layout = ParameterLayout()
    hidden = (0..<c.layers).map { layer in
      LinearLayer(
        &layout, "hidden.\(layer)", input: layer == 0 ? c.input + 2 * times.count : c.width, output: c.width,
        gain: 1.5)
    }
    head = LinearLayer(&layout, "head", input: c.width, output: c.output, gain: 0)
    self.times = times
    self.configuration = configuration
    self.layout = layout
  }

  /// The answer [batch, output] to states [batch, input] at times r and t [batch, 1].
  public func callAsFunction(_ x: Variable, r: Variable, t: Variable, _ p: Parameters) -> Variable {
    var h = concatenate([x, times(t), times(t - r)], axis: 1)
    for layer in hidden { h = layer(h, p, activation: .silu) }
    return head(h, p)
  }
}
