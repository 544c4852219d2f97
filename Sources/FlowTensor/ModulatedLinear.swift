// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// The weights of a linear layer y = x·Wᵀ + b.
public struct LinearWeights: Sendable {
  /// W, [output, input].
  public let weight: Tensor
  /// b, [output].
  public let bias: Tensor

  /// These weights.
  public init(weight: Tensor, bias: Tensor) {
    precondition(
      weight.shape.rank == 2 && bias.shape == [weight.shape[0]],
      "linear: weight \(weight.shape) and bias \(bias.shape) disagree")
    self.weight = weight
    self.bias = bias
  }

  /// Numbers in a result.
  var output: Int { weight.shape[0] }
  /// Numbers in an input.
  var input: Int { weight.shape[1] }
}

/// What a layer normalisation without affine is followed by: n = (x − mean)/√(var + ε)·(1 + scale) + shift, with scale
/// and shift [batch…, channels] for all tokens of a batch row.
public struct Modulation: Sendable {
  /// The factor less 1.
  public let scale: Tensor
  /// What is added.
  public let shift: Tensor
  /// ε.
  public let epsilon: Float

  /// This modulation.
  public init(scale: Tensor, shift: Tensor, epsilon: Float) {
    precondition(
      shift.shape == scale.shape, "modulation: scale \(scale.shape) and shift \(shift.shape) differ")
    self.scale = scale
    self.shift = shift
    self.epsilon = epsilon
  }

  /// n of a tile of x.
  func apply(to x: UnsafePointer<Float>, _ tile: TokenTiles.Tile, into n: UnsafeMutablePointer<Float>) {
    let channels = scale.shape[-1], row = tile.row * channels
    flow_modulated_norm(
      tile.batch, tile.tokens, channels, epsilon, 1, x + tile.first * channels, scale.pointer + row,
      shift.pointer + row, n)
  }

  /// The tangent of n of a tile along tangents of x, scale and shift.
  func tangent(
    at x: UnsafePointer<Float>, _ tile: TokenTiles.Tile, along d: ModulatedTangents,
    into dn: UnsafeMutablePointer<Float>
  ) {
    let channels = scale.shape[-1], row = tile.row * channels, first = tile.first * channels
    flow_modulated_norm_tangent(
      tile.batch, tile.tokens, channels, epsilon, 1, x + first, scale.pointer + row, d.x.pointer + first,
      d.scale.pointer + row, d.shift.pointer + row, dn)
  }

  /// From dn of a tile: dx, and the sums over its tokens that are dscale and dshift.
  func gradient(
    at x: UnsafePointer<Float>, _ tile: TokenTiles.Tile, _ dn: UnsafePointer<Float>,
    into dx: UnsafeMutablePointer<Float>, scale dscale: Tensor, shift dshift: Tensor
  ) {
    let channels = scale.shape[-1], piece = tile.piece * channels
    flow_modulated_norm_gradient(
      tile.batch, tile.tokens, channels, epsilon, 1, x + tile.first * channels,
      scale.pointer + tile.row * channels, dn, dx + tile.first * channels, dscale.storage.base + piece,
      dshift.storage.base + piece)
  }
}

/// Tangents of what a modulated normalisation is made of.
public struct ModulatedTangents: Sendable {
  /// Of its input.
  public let x: Tensor
  /// Of the modulation's scale.
  public let scale: Tensor
  /// Of its shift.
  public let shift: Tensor

  /// These tangents.
  public init(x: Tensor, scale: Tensor, shift: Tensor) {
    self.x = x
    self.scale = scale
    self.shift = shift
  }

  func check(_ x: Tensor, _ m: Modulation, in operation: String) {
    Tensor.check(self.x, like: x, in: operation)
    Tensor.check(scale, like: m.scale, in: operation)
    Tensor.check(shift, like: m.scale, in: operation)
  }
}

extension TokenTiles {
  /// The tiles of x [batch…, tokens, channels] under what its batch rows share, [batch…, channels].
  init(_ x: Shape, _ shared: Shape, in operation: String) {
    precondition(
      x.rank >= 2 && shared.extents == Array(x.extents.dropLast(2)) + [x[-1]] && x.count > 0,
      "\(operation): \(shared) does not fit x \(x)")
    self.init(batch: x.extents.dropLast(2).reduce(1, *), tokens: x[-2])
  }
}

/// Linear layers of a modulated normalisation, tile by tile: the normalisation of a tile stays in cache for all layers,
/// and is not kept. In float32.
extension Tensor {
  /// n·Wᵀ + b of each layer, with n the modulated normalisation of x [batch…, tokens, channels].
  public static func modulatedLinear(_ x: Tensor, _ m: Modulation, _ layers: [LinearWeights]) -> [Tensor] {
    let tiles = TokenTiles(x.shape, m.scale.shape, in: "modulatedLinear"), input = x.shape[-1]
    let weights = layers.map { layer in
      precondition(
        layer.input == input, "modulatedLinear: weight \(layer.weight.shape) for x \(x.shape)")
      return transposedCopy(layer.weight, rows: layer.output, columns: input)
    }
    let results = layers.map { Tensor(x.shape.replacing(-1, with: $0.output)) { _ in } }
    let widest = layers.map(\.output).max() ?? 0
    tiles.forEach { tile in
      let scratch = Storage(count: tile.count * (input + widest))
      let n = scratch.base, y = scratch.base + tile.count * input
      m.apply(to: x.pointer, tile, into: n)
      for (layer, (weight, result)) in zip(layers, zip(weights, results)) {
        gemm(tile.count, layer.output, input, n, weight.base, into: y)
        flow_bias_store(
          tile.count, layer.output, layer.bias.pointer, y, result.storage.base + tile.first * layer.output)
      }
      withExtendedLifetime(scratch) {}
    }
    withExtendedLifetime(weights) {}
    return results
  }

  /// The tangent of `modulatedLinear` along tangents of x, scale and shift: dn·Wᵀ of each layer.
  public static func modulatedLinearTangent(
    _ x: Tensor, _ m: Modulation, weights: [Tensor], along d: ModulatedTangents
  ) -> [Tensor] {
    let tiles = TokenTiles(x.shape, m.scale.shape, in: "modulatedLinearTangent"), input = x.shape[-1]
    d.check(x, m, in: "modulatedLinearTangent")
    let transposed = weights.map { transposedCopy($0, rows: $0.shape[0], columns: input) }
    let results = weights.map { Tensor(x.shape.replacing(-1, with: $0.shape[0])) { _ in } }
    tiles.forEach { tile in
      let dn = Storage(count: tile.count * input)
      m.tangent(at: x.pointer, tile, along: d, into: dn.base)
      for (weight, result) in zip(transposed, results) {
        let output = result.shape[-1]
        gemm(
          tile.count, output, input, dn.base, weight.base, into: result.storage.base + tile.first * output)
      }
      withExtendedLifetime(dn) {}
    }
    withExtendedLifetime(transposed) {}
    return results
  }

  /// The gradients of `modulatedLinear` from a cotangent d of each layer's result.
  ///
  /// With dn = Σ d·W over the layers: dW = dᵀ·n, db = Σ d; dx, dscale and dshift are those of the normalisation.
  public static func modulatedLinearGradient(
    _ x: Tensor, _ m: Modulation, weights: [Tensor], cotangents: [Tensor]
  ) -> (x: Tensor, scale: Tensor, shift: Tensor, layers: [LinearWeights]) {
    let tiles = TokenTiles(x.shape, m.scale.shape, in: "modulatedLinearGradient"), input = x.shape[-1]
    var places = SumPlaces()
    let sums = zip(weights, cotangents).map { weight, d in
      precondition(
        weight.shape.rank == 2 && weight.shape[1] == input
          && d.shape == x.shape.replacing(-1, with: weight.shape[0]),
        "modulatedLinearGradient: weight \(weight.shape) and cotangent \(d.shape) for x \(x.shape)")
      return (weight: places.add(weight.shape), bias: places.add([weight.shape[0]]))
    }
    let dx = Tensor(x.shape) { _ in }
    let dscale = tiles.pieceSums(input), dshift = tiles.pieceSums(input)
    let size = tiles.most * input
    let storage = tiles.sum(places.count, scratch: 2 * size) { tile, isFirst, base, scratch in
      let n = scratch, dn = scratch + size
      m.apply(to: x.pointer, tile, into: n)
      for (index, (weight, d)) in zip(weights, cotangents).enumerated() {
        let output = weight.shape[0], d = d.pointer + tile.first * output
        let db = base + sums[index].bias.offset
        if isFirst { db.initialize(repeating: 0, count: output) }
        flow_accumulate_rows(tile.count, output, d, db)
        gemm(
          output, input, tile.count, d, transposed: true, n, adding: !isFirst,
          into: base + sums[index].weight.offset)
        gemm(tile.count, input, output, d, weight.pointer, adding: index > 0, into: dn)
      }
      m.gradient(at: x.pointer, tile, dn, into: dx.storage.base, scale: dscale, shift: dshift)
    }
    return (
      dx, tiles.total(dscale, m.scale.shape), tiles.total(dshift, m.scale.shape),
      sums.map { LinearWeights(weight: $0.weight.tensor(storage), bias: $0.bias.tensor(storage)) }
    )
  }
}
