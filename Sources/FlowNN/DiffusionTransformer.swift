// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
public import FlowTensor
internal import Glibc

/// What a ``DiffusionTransformer`` is asked for beside its two times: one entry a picture.
public struct PictureConditions {
  /// The class of each picture, or the null class; empty for a model without classes.
  public var labels: [Int32]
  /// Further numbers, [batch, 1] each.
  public var scalars: [Variable]
  /// A picture that is given, [batch, height, width, channels].
  public var given: Variable?

  /// Conditions.
  public init(labels: [Int32] = [], scalars: [Variable] = [], given: Variable? = nil) {
    (self.labels, self.scalars, self.given) = (labels, scalars, given)
  }

  /// Those of some of the pictures.
  public func rows(_ range: Range<Int>) -> PictureConditions {
    PictureConditions(
      labels: labels.isEmpty ? [] : Array(labels[range]), scalars: scalars.map { $0.slice(axis: 0, range) },
      given: given?.slice(axis: 0, range))
  }
}

/// A diffusion transformer over whole pictures (Peebles and Xie 2023, "DiT") for flow maps: two times, r ≤ t.
///
/// A picture is cut into patches; fixed sines and cosines say where each is. The embeddings of the times, the class and
/// what else is asked for are summed, and modulate every block (adaLN-Zero: gates start at zero, so a fresh block passes
/// its input on, and a fresh model answers zero); or they stand beside the patches as tokens of their own.
public struct DiffusionTransformer: Sendable {
  /// The shape.
  public let configuration: DiffusionTransformerConfiguration
  /// The parameters.
  public let layout: ParameterLayout

  private let patchEmbedding: LinearLayer
  private let conditions: ConditionEmbedding
  private let blocks: [DiffusionBlock]
  private let head: PictureHead
  private let velocityHead: PictureHead?
  private let positions: Tensor  // [tokens, width]

  /// Declares the parameters of a transformer of this shape.
  public init(_ configuration: DiffusionTransformerConfiguration) {
    let c = configuration
    precondition(
      c.patch > 0 && c.pictureHeight % c.patch == 0 && c.pictureWidth % c.patch == 0 && c.width % 4 == 0
        && c.width % c.heads == 0,
      "DiffusionTransformer: extents of \(c) do not divide")
    precondition(
      c.encoderLayers.map { (0...c.layers).contains($0) && c.conditionTokens == 0 } ?? true,
      "DiffusionTransformer: \(c.encoderLayers ?? 0) encoder layers of \(c.layers), or with condition tokens")
    var layout = ParameterLayout()
    patchEmbedding = LinearLayer(
      &layout, "patch_embedding", input: c.patchCount + c.patch * c.patch * c.givenChannels, output: c.width)
    conditions = ConditionEmbedding(&layout, c)
    blocks = (0..<c.layers).map { DiffusionBlock(&layout, "blocks.\($0)", c) }
    head = PictureHead(&layout, "head", c)
    velocityHead = c.hasVelocityHead ? PictureHead(&layout, "velocity_head", c) : nil
    positions = Self.positions(c)
    self.configuration = configuration
    self.layout = layout
  }

  /// The field u(z, r, t) of a flow map, or its velocity at r = t.
  ///
  /// - Parameters:
  ///   - z: the states, [batch, height, width, channels].
  ///   - r: where the flow map jumps to, [batch, 1].
  ///   - t: the time of each state, [batch, 1].
  /// - Returns: [batch, height, width, channels].
  public func callAsFunction(
    _ z: Variable, r: Variable, t: Variable, _ asked: PictureConditions, _ p: Parameters
  ) -> Variable {
    let trunk = trunk(z, r: r, t: t, asked, p)
    return unpatched(head(trunk.tokens, trunk.late, p), like: z.shape)
  }

  /// u(z, r, t), and the velocity v(z, t) that the head of its own says.
  public func both(
    _ z: Variable, r: Variable, t: Variable, _ asked: PictureConditions, _ p: Parameters
  ) -> (average: Variable, velocity: Variable) {
    guard let velocityHead else { preconditionFailure("DiffusionTransformer: there is no velocity head") }
    let trunk = trunk(z, r: r, t: t, asked, p)
    return (
      unpatched(head(trunk.tokens, trunk.late, p), like: z.shape),
      unpatched(velocityHead(trunk.tokens, trunk.late, p), like: z.shape)
    )
  }

  /// Weights that answer at r = t as these do, and at every r as at r = t.
  ///
  /// For those that have learnt velocities alone: what they would say of a jump is chance, and changes wildly with its length.
  ///
  /// - Parameter seed: of the layer that the lengths of jumps are told by, which begins anew.
  public func forgettingLengths(_ weights: [Tensor], seed: UInt64) -> [Tensor] {
    precondition(configuration.jumps == .length, "DiffusionTransformer: it is not told lengths")
    return conditions.forgettingLengths(weights, fresh: layout.initialize(seed: seed))
  }

  /// The picture's tokens after all blocks, and the modulation of what comes after them.
  private func trunk(
    _ z: Variable, r: Variable, t: Variable, _ asked: PictureConditions, _ p: Parameters
  ) -> (tokens: Variable, late: Variable?) {
    let c = configuration
    let whole = asked.given.map { concatenate([z, $0], axis: 3) } ?? z
    var x = patchEmbedding(patches(whole), p) + Variable(positions)  // [batch, tokens, width]
    if c.conditionTokens > 0 {
      x = concatenate([x, conditions.tokens(r: r, t: t, asked, p)], axis: 1)
      for block in blocks { x = block(x, nil, p) }
      return (x.slice(axis: 1, 0..<c.tokens), nil)
    }
    let early: Variable, late: Variable
    if c.encoderLayers != nil {
      (early, late) = (conditions(r: t, t: t, asked, p), conditions(r: r, t: r, asked, p))
    } else {
      early = conditions(r: r, t: t, asked, p)
      late = early
    }
    for (index, block) in blocks.enumerated() {
      x = block(x, index < c.encoderLayers ?? c.layers ? early : late, p)
    }
    return (x, late)
  }

  /// [batch, height, width, channels] to [batch, tokens, patch · patch · channels].
  private func patches(_ pictures: Variable) -> Variable {
    let c = configuration, batch = pictures.shape[0], channels = pictures.shape[3]
    return pictures.reshaped([batch, c.grid.rows, c.patch, c.grid.columns, c.patch * channels])
      .permuted([0, 1, 3, 2, 4]).reshaped([batch, c.tokens, c.patch * c.patch * channels])
  }

  private func unpatched(_ tokens: Variable, like shape: Shape) -> Variable {
    let c = configuration
    return tokens.reshaped([shape[0], c.grid.rows, c.grid.columns, c.patch, c.patch * c.pictureChannels])
      .permuted([0, 1, 3, 2, 4]).reshaped(shape)
  }

  /// Half of the channels say the row, half the column: sines, then cosines of place·10⁴^(−i/n), n = width/4.
  private static func positions(_ c: DiffusionTransformerConfiguration) -> Tensor {
    let n = c.width / 4
    let axis = { (place: Int) in
      let angles = (0..<n).map { Double(place) * pow(1e4, -Double($0) / Double(n)) }
      return (angles.map(sin) + angles.map(cos)).map { Float($0) }
    }
    let elements = (0..<c.tokens).flatMap { axis($0 / c.grid.columns) + axis($0 % c.grid.columns) }
    return Tensor(elements, shape: [c.tokens, c.width])
  }
}
