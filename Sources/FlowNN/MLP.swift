// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowTensor

/// How an ``MLP`` is told its two times.
public enum TimeConditioning: String, Sendable, Codable, CaseIterable {
  /// Cosines and sines of t and of t − r stand beside the state at the input.
  case features
  /// t and t − r themselves stand beside what enters each layer, the last included: derivatives in time stay of the
  /// size of the function, which losses that take them want.
  case everyLayer
}

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
  /// How the network is told r and t.
  public var times: TimeConditioning
  /// Frequencies of the embedding of each time, where times enter as features.
  public var frequencies: Int
  /// The highest of them, in radians a unit of time.
  public var timeScale: Double
  /// The coordinates, in rising order, that are angles: the network sees their cosines and sines alone, and so is
  /// periodic in them.
  public var angles: [Int]
  /// Multiples 1…harmonics of each angle that it sees.
  public var harmonics: Int

  /// A network of this shape.
  public init(
    input: Int, output: Int, width: Int, layers: Int, times: TimeConditioning = .features,
    frequencies: Int = 32, timeScale: Double = 30, angles: [Int] = [], harmonics: Int = 1
  ) {
    self.input = input
    self.output = output
    self.width = width
    self.layers = layers
    self.times = times
    self.frequencies = frequencies
    self.timeScale = timeScale
    self.angles = angles
    self.harmonics = harmonics
  }
}

/// A feed-forward network of states and two times, for flow maps on low-dimensional spaces.
///
/// What it sees of the state, ``MLPConfiguration/angles``, and of the times, ``TimeConditioning``, stands side by side
/// at the input; hidden layers are h ← silu(W·h + b); the last layer begins at zero, so that a fresh network answers
/// zero.
public struct MLP: Sendable {
  /// The shape.
  public let configuration: MLPConfiguration
  /// The parameters.
  public let layout: ParameterLayout

  let states: StateFeatures
  let times: TimeFeatures
  let hidden: [LinearLayer]
  let head: LinearLayer

  /// Declares the parameters of a network of this shape.
  public init(_ configuration: MLPConfiguration) {
    let c = configuration
    precondition(c.layers > 0, "MLP: \(c.layers) hidden layers")
    let states = StateFeatures(input: c.input, angles: c.angles, harmonics: c.harmonics)
    let times = TimeFeatures(frequencies: c.frequencies, scale: c.timeScale)
    let first = c.times == .features ? 2 * times.count : 2, later = c.times == .features ? 0 : 2
    var layout = ParameterLayout()
    hidden = (0..<c.layers).map { layer in
      LinearLayer(
        &layout, "hidden.\(layer)", input: layer == 0 ? states.count + first : c.width + later,
        output: c.width, gain: 1.5)
    }
    head = LinearLayer(&layout, "head", input: c.width + later, output: c.output, gain: 0)
    self.states = states
    self.times = times
    self.configuration = configuration
    self.layout = layout
  }

  /// The answer [batch, output] to states [batch, input] at times r and t [batch, 1].
  public func callAsFunction(_ x: Variable, r: Variable, t: Variable, _ p: Parameters) -> Variable {
    switch configuration.times {
    case .features:
      var h = concatenate(states(x) + [times(t), times(t - r)], axis: 1)
      for layer in hidden { h = layer(h, p, activation: .silu) }
      return head(h, p)
    case .everyLayer:
      let both = [t, t - r]
      var h = concatenate(states(x) + both, axis: 1)
      for layer in hidden { h = concatenate([layer(h, p, activation: .silu)] + both, axis: 1) }
      return head(h, p)
    }
  }
}
