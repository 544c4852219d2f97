// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowTensor

/// A small network that learns the logarithm of the variance of errors between two times, which losses are weighed by
/// (Karras et al. 2024, "EDM2"); zero at first.
///
/// Its answer is a twentieth of what its last layer says: an optimiser moves that by its rate whatever the gradient, and a
/// weight that runs ahead of what it weighs drowns all times but a few.
public struct LogVariance: Sendable {
  /// The parameters.
  public let layout: ParameterLayout
  private let times = TimeFeatures(frequencies: 16, scale: 10)
  private let hidden: LinearLayer
  private let head: LinearLayer

  /// Declares the parameters.
  public init() {
    var layout = ParameterLayout()
    hidden = LinearLayer(&layout, "hidden", input: 2 * times.count, output: 64)
    head = LinearLayer(&layout, "head", input: 64, output: 1, gain: 0)
    self.layout = layout
  }

  /// w(r, t), [count, 1], for times [count, 1].
  public func callAsFunction(r: Variable, t: Variable, _ p: Parameters) -> Variable {
    0.05 * head(hidden(concatenate([times(t), times(t - r)], axis: 1), p, activation: .silu), p)
  }
}
