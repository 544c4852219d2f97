// SPDX-License-Identifier: Apache-2.0

/// How a ``DiffusionTransformer`` is told where a jump lands, beside where it starts.
public enum JumpConditioning: String, Sendable, Codable, CaseIterable {
  /// By its length t − r.
  case length
  /// By r itself.
  case landing
}

/// The shape of a ``DiffusionTransformer``.
public struct DiffusionTransformerConfiguration: Sendable, Codable, Equatable {
  /// Rows of a picture; a multiple of `patch`.
  public var pictureHeight: Int
  /// Columns of a picture; a multiple of `patch`.
  public var pictureWidth: Int
  /// Channels of a picture.
  public var pictureChannels: Int
  /// Rows and columns of the square of pixels that is one token.
  public var patch: Int
  /// Width of a token; a multiple of 4 and of `heads`.
  public var width: Int
  /// Transformer blocks.
  public var layers: Int
  /// Attention heads.
  public var heads: Int
  /// Hidden width of the feed-forward networks, in widths of a token.
  public var expansion: Int
  /// Classes that a picture may be asked of, the null class not counted; 0 for a model without classes.
  public var classes: Int
  /// The highest frequency of the time embedding, in radians a unit of time.
  public var timeScale: Double
  /// How it is told where a jump lands.
  public var jumps = JumpConditioning.length
  /// The blocks that are told t alone; the others, and the head, are told r alone (decoupled MeanFlow, 2510.24474). Nil
  /// tells both to all.
  public var encoderLayers: Int?
  /// Whether a head of its own says the velocity v(z, t) beside u (improved MeanFlow, 2512.02012).
  public var hasVelocityHead = false
  /// Tokens that each condition becomes, beside those of the picture; blocks are then not modulated by conditions (improved
  /// MeanFlow). 0 modulates.
  public var conditionTokens = 0
  /// Further numbers in 0…1 that a picture may be asked for.
  public var scalars = 0
  /// Channels of a picture that is given beside the state.
  public var givenChannels = 0

  /// A transformer of this shape.
  public init(
    pictureHeight: Int, pictureWidth: Int, pictureChannels: Int, patch: Int, width: Int, layers: Int,
    heads: Int,
    expansion: Int = 4, classes: Int = 0, timeScale: Double = 1000
  ) {
    self.pictureHeight = pictureHeight
    self.pictureWidth = pictureWidth
    self.pictureChannels = pictureChannels
    self.patch = patch
    self.width = width
    self.layers = layers
    self.heads = heads
    self.expansion = expansion
    self.classes = classes
    self.timeScale = timeScale
  }

  /// Rows and columns of tokens.
  public var grid: (rows: Int, columns: Int) { (pictureHeight / patch, pictureWidth / patch) }
  /// Tokens of a picture.
  public var tokens: Int { grid.rows * grid.columns }
  /// Numbers in a patch of a picture.
  public var patchCount: Int { patch * patch * pictureChannels }
  /// The label of no class: what a model is asked without a class, and what training drops a label to.
  public var nullClass: Int32 { Int32(classes) }
}
