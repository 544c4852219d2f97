// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowTensor
internal import Glibc

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
  /// Numbers in a patch.
  public var patchCount: Int { patch * patch * pictureChannels }
  /// The label of no class: what a model is asked without a class, and what training drops a label to.
  public var nullClass: Int32 { Int32(classes) }
}

/// A diffusion transformer over whole pictures (Peebles and Xie 2023, "DiT") for flow maps: two times, r ≤ t.
///
/// A picture is cut into patches; fixed sines and cosines say where each is. The embeddings of t and of t − r and that
/// of the class are summed, and modulate every block (adaLN-Zero: gates start at zero, so a fresh block passes its
/// input on, and a fresh model answers zero).
public struct DiffusionTransformer: Sendable {
  /// The shape.
  public let configuration: DiffusionTransformerConfiguration
  /// The parameters.
  public let layout: ParameterLayout

  private let patchEmbedding: LinearLayer
  private let times: TimeFeatures
  private let timeEmbedding: (LinearLayer, LinearLayer)
  private let intervalEmbedding: (LinearLayer, LinearLayer)
  private let classEmbedding: Parameter?
  private let blocks: [DiffusionBlock]
  private let headModulation: LinearLayer
  private let head: LinearLayer
  private let positions: Tensor  // [tokens, width]

  /// Declares the parameters of a transformer of this shape.
  public init(_ configuration: DiffusionTransformerConfiguration) {
    let c = configuration, d = c.width
    precondition(
      c.patch > 0 && c.pictureHeight % c.patch == 0 && c.pictureWidth % c.patch == 0 && d % 4 == 0
        && d % c.heads == 0,
      "DiffusionTransformer: extents of \(c) do not divide")
    let times = TimeFeatures(frequencies: 128, scale: c.timeScale)
    var layout = ParameterLayout()
    patchEmbedding = LinearLayer(&layout, "patch_embedding", input: c.patchCount, output: d)
    timeEmbedding = (
      LinearLayer(&layout, "time_embedding.0", input: times.count, output: d),
      LinearLayer(&layout, "time_embedding.2", input: d, output: d)
    )
    intervalEmbedding = (
      LinearLayer(&layout, "interval_embedding.0", input: times.count, output: d),
      LinearLayer(&layout, "interval_embedding.2", input: d, output: d)
    )
    classEmbedding =
      c.classes > 0 ? layout.declare("class_embedding.weight", [c.classes + 1, d], .normal(0.02)) : nil
    blocks = (0..<c.layers).map { DiffusionBlock(&layout, "blocks.\($0)", c) }
    headModulation = LinearLayer(&layout, "head.modulation", input: d, output: 2 * d, gain: 0)
    head = LinearLayer(&layout, "head.linear", input: d, output: c.patchCount, gain: 0)
    positions = Self.positions(c)
    self.times = times
    self.configuration = configuration
    self.layout = layout
  }

  /// The field u(z, r, t) of a flow map, or its velocity at r = t.
  ///
  /// - Parameters:
  ///   - z: the states, [batch, height, width, channels].
  ///   - r: where the flow map jumps to, [batch, 1].
  ///   - t: the time of each state, [batch, 1].
  ///   - labels: the class of each picture, or the null class; empty for a model without classes.
  /// - Returns: [batch, height, width, channels].
  public func callAsFunction(_ z: Variable, r: Variable, t: Variable, labels: [Int32], _ p: Parameters)
    -> Variable
  {
    let c = configuration
    let condition = self.condition(r: r, t: t, labels: labels, p).map(.silu)  // [batch, width]
    var x = patchEmbedding(patches(z), p) + Variable(positions)  // [batch, tokens, width]
    for block in blocks { x = block(x, condition, p) }
    let e = headModulation(condition, p).reshaped([z.shape[0], 2, c.width]).unstacked(axis: 1)
    let answer = x.modulatedLinear(scale: e[1], shift: e[0], layers: [head.values(p)])[0]
    return unpatched(answer, like: z.shape)
  }

  /// The sum of the embeddings of t, t − r and the class.
  private func condition(r: Variable, t: Variable, labels: [Int32], _ p: Parameters) -> Variable {
    let embed = { (layers: (LinearLayer, LinearLayer), time: Variable) in
      layers.1(layers.0(times(time), p, activation: .silu), p)
    }
    let time = embed(timeEmbedding, t) + embed(intervalEmbedding, t - r)
    precondition(
      labels.count == (classEmbedding == nil ? 0 : t.shape[0]),
      "DiffusionTransformer: \(labels.count) labels for \(t.shape[0]) pictures and \(configuration.classes) classes"
    )
    return classEmbedding.map { time + p[$0].gather(labels) } ?? time
  }

  /// [batch, height, width, channels] to [batch, tokens, patch · patch · channels].
  private func patches(_ pictures: Variable) -> Variable {
    let c = configuration, batch = pictures.shape[0]
    return pictures.reshaped([batch, c.grid.rows, c.patch, c.grid.columns, c.patch * c.pictureChannels])
      .permuted([0, 1, 3, 2, 4]).reshaped([batch, c.tokens, c.patchCount])
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

/// Self-attention and a feed-forward network, each behind a modulated norm and a gate.
private struct DiffusionBlock: Sendable {
  private let width: Int
  private let heads: Int
  private let modulation: LinearLayer
  private let q: LinearLayer
  private let k: LinearLayer
  private let v: LinearLayer
  private let o: LinearLayer
  private let up: LinearLayer
  private let down: LinearLayer

  init(_ layout: inout ParameterLayout, _ name: String, _ c: DiffusionTransformerConfiguration) {
    let d = c.width
    (width, heads) = (d, c.heads)
    modulation = LinearLayer(&layout, "\(name).modulation", input: d, output: 6 * d, gain: 0)
    q = LinearLayer(&layout, "\(name).attention.q", input: d, output: d)
    k = LinearLayer(&layout, "\(name).attention.k", input: d, output: d)
    v = LinearLayer(&layout, "\(name).attention.v", input: d, output: d)
    o = LinearLayer(&layout, "\(name).attention.o", input: d, output: d)
    up = LinearLayer(&layout, "\(name).ffn.0", input: d, output: c.expansion * d)
    down = LinearLayer(&layout, "\(name).ffn.2", input: c.expansion * d, output: d)
  }

  /// x [batch, tokens, width] under a condition [batch, width].
  func callAsFunction(_ x: Variable, _ condition: Variable, _ p: Parameters) -> Variable {
    let e = modulation(condition, p).reshaped([x.shape[0], 6, width]).unstacked(axis: 1)
    let split: Shape = [x.shape[0], x.shape[1], heads, width / heads]
    let h = x.modulatedLinear(scale: e[1], shift: e[0], layers: [q, k, v].map { $0.values(p) })
      .map { $0.reshaped(split) }
    let attended = attention(h[0], h[1], h[2], mask: .none).reshaped(x.shape)
    let (weight, bias) = o.values(p)
    return x.addingLinear(attended, gate: e[2], weight: weight, bias: bias).addingFeedForward(
      scale: e[4], shift: e[3], gate: e[5], up: up.values(p), down: down.values(p), activation: .gelu)
  }
}
