// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowTensor

/// A small convolutional network that tells classes of pictures, and whose last hidden layer measures how alike sets of
/// pictures are.
public struct PictureClassifier: Sendable {
  /// The shape.
  public struct Configuration: Sendable, Codable, Equatable {
    /// Rows of a picture, a multiple of 4.
    public var height: Int
    /// Columns, a multiple of 4.
    public var width: Int
    /// Channels.
    public var channels: Int
    /// Classes.
    public var classes: Int
    /// Channels of the first layer; the second has twice as many.
    public var features: Int
    /// Numbers in a row of features.
    public var embedding: Int

    /// A shape.
    public init(height: Int, width: Int, channels: Int, classes: Int, features: Int = 32, embedding: Int = 64)
    {
      (self.height, self.width, self.channels) = (height, width, channels)
      (self.classes, self.features, self.embedding) = (classes, features, embedding)
    }
  }

  /// The shape.
  public let configuration: Configuration
  /// The parameters.
  public let layout: ParameterLayout
  private let stem: ConvolutionLayer
  private let narrow: ResidualBlock
  private let down: ConvolutionLayer
  private let wide: ResidualBlock
  private let last: ConvolutionLayer
  private let embedding: LinearLayer
  private let head: LinearLayer

  /// Declares the parameters.
  public init(_ configuration: Configuration) {
    let c = configuration
    precondition(
      c.height % 4 == 0 && c.width % 4 == 0, "PictureClassifier: \(c.height)×\(c.width) is not divided by 4")
    var layout = ParameterLayout()
    stem = ConvolutionLayer(&layout, "stem", input: c.channels, output: c.features)
    narrow = ResidualBlock(&layout, "narrow", channels: c.features)
    down = ConvolutionLayer(&layout, "down", input: c.features, output: 2 * c.features, stride: 2)
    wide = ResidualBlock(&layout, "wide", channels: 2 * c.features)
    last = ConvolutionLayer(&layout, "last", input: 2 * c.features, output: 2 * c.features, stride: 2)
    embedding = LinearLayer(
      &layout, "embedding", input: c.height / 4 * (c.width / 4) * 2 * c.features, output: c.embedding)
    head = LinearLayer(&layout, "head", input: c.embedding, output: c.classes)
    self.configuration = c
    self.layout = layout
  }

  /// Features [batch, embedding] of pictures [batch, height, width, channels].
  public func features(_ x: Variable, _ p: Parameters) -> Variable {
    var h = narrow(stem(x, p), p)
    h = wide(down(h.map(.silu), p), p)
    h = last(h.map(.silu), p).map(.silu)
    return embedding(h.reshaped([x.shape[0], h.shape.count / x.shape[0]]), p)
  }

  /// Logits [batch, classes] of features.
  public func logits(_ features: Variable, _ p: Parameters) -> Variable { head(features.map(.silu), p) }
}
