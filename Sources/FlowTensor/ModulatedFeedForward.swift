// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// What `modulatedFeedForward` gives: the result, and what its derivatives need.
public struct FeedForwardOutput: Sendable {
  /// x + gate∘y.
  public let result: Tensor
  /// z = n·Uᵀ + a, [batch…, tokens, hidden].
  public let sum: Tensor
  /// y = f(z)·Dᵀ + b.
  public let layer: Tensor
}

/// What the gradients of `modulatedFeedForward` are.
public struct FeedForwardGradient: Sendable {
  /// dx.
  public let x: Tensor
  /// Of the modulation's scale.
  public let scale: Tensor
  /// Of its shift.
  public let shift: Tensor
  /// Of the gate.
  public let gate: Tensor
  /// dU and da.
  public let up: LinearWeights
  /// dD and db.
  public let down: LinearWeights
}

/// The feed-forward branch of a transformer block on a residual stream, tile by tile: the normalisation and the hidden
/// layer of a tile stay in cache between the products, and are not kept. In float32.
extension Tensor {
  /// x + gate∘y with y = f(z)·Dᵀ + b, z = n·Uᵀ + a and n the modulated normalisation of x [batch…, tokens, channels].
  public static func modulatedFeedForward(
    _ x: Tensor, _ m: Modulation, gate: Tensor, up: LinearWeights, down: LinearWeights,
    activation: Activation
  ) -> FeedForwardOutput {
    let tiles = TokenTiles(x.shape, m.scale.shape, in: "modulatedFeedForward")
    let (width, hidden) = checkFeedForward(x, m, gate, up.weight, down.weight)
    let u = transposedCopy(up.weight, rows: hidden, columns: width)
    let d = transposedCopy(down.weight, rows: width, columns: hidden)
    let z = Tensor(x.shape.replacing(-1, with: hidden)) { _ in }
    let y = Tensor(x.shape) { _ in }
    let result = Tensor(x.shape) { result in
      tiles.forEach { tile in
        let scratch = Storage(count: tile.count * (width + hidden)), first = tile.first * width
        let (n, h) = (scratch.base, scratch.base + tile.count * width)
        m.apply(to: x.pointer, tile, into: n)
        gemm(tile.count, hidden, width, n, u.base, into: h)
        flow_bias_activate_store(
          activation.rawValue, tile.count, hidden, up.bias.pointer, h, z.storage.base + tile.first * hidden)
        // The normalisation is done with: its place takes the product.
        gemm(tile.count, width, hidden, h, d.base, into: n)
        flow_bias_gated_store(
          tile.batch, tile.tokens, width, down.bias.pointer, n, x.pointer + first,
          gate.pointer + tile.row * width, y.storage.base + first, result + first)
        withExtendedLifetime(scratch) {}
      }
    }
    withExtendedLifetime((u, d)) {}
    return FeedForwardOutput(result: result, sum: z, layer: y)
  }

  /// The tangent of the result of `modulatedFeedForward`, which gave `sum` and `layer`, along tangents of x, scale, shift
  /// and gate: dx + dgate∘y + gate∘((f′(z)∘(dn·Uᵀ))·Dᵀ).
  public static func modulatedFeedForwardTangent(
    _ x: Tensor, _ m: Modulation, gate: Tensor, up: Tensor, down: Tensor, sum z: Tensor, layer y: Tensor,
    along d: ModulatedTangents, gateTangent: Tensor, activation: Activation
  ) -> Tensor {
    let operation = "modulatedFeedForwardTangent"
    let tiles = TokenTiles(x.shape, m.scale.shape, in: operation)
    let (width, hidden) = checkFeedForward(x, m, gate, up, down)
    d.check(x, m, in: operation)
    check(gateTangent, like: gate, in: operation)
    check(y, like: x, in: operation)
    precondition(
      z.shape == x.shape.replacing(-1, with: hidden), "\(operation): sum \(z.shape) for x \(x.shape)")
    let u = transposedCopy(up, rows: hidden, columns: width)
    let w = transposedCopy(down, rows: width, columns: hidden)
    return Tensor(x.shape) { result in
      tiles.forEach { tile in
        let scratch = Storage(count: tile.count * (width + hidden)), first = tile.first * width
        let (dn, dh) = (scratch.base, scratch.base + tile.count * width), row = tile.row * width
        m.tangent(at: x.pointer, tile, along: d, into: dn)
        gemm(tile.count, hidden, width, dn, u.base, into: dh)
        flow_activation_tangent(
          activation.rawValue, tile.count * hidden, z.pointer + tile.first * hidden, dh)
        gemm(tile.count, width, hidden, dh, w.base, into: dn)
        flow_gated_add_tangent(
          tile.batch, tile.tokens, width, d.x.pointer + first, gate.pointer + row, gateTangent.pointer + row,
          y.pointer + first, dn, result + first)
        withExtendedLifetime(scratch) {}
      }
      withExtendedLifetime((u, w)) {}
    }
  }

  /// The gradients of `modulatedFeedForward`, which gave `sum` and `layer`, from a cotangent d of its result.
  ///
  /// dgate = Σ y∘d over the tokens; with dy = gate∘d and dz = f′(z)∘(dy·D): dD = dyᵀ·f(z), dU = dzᵀ·n, the biases' are
  /// the sums of dy and dz; from dn = dz·U those of the normalisation, and dx = d beside its own.
  public static func modulatedFeedForwardGradient(
    _ x: Tensor, _ m: Modulation, gate: Tensor, up: Tensor, down: Tensor, sum z: Tensor, layer y: Tensor,
    cotangent d: Tensor, activation: Activation
  ) -> FeedForwardGradient {
    let tiles = TokenTiles(x.shape, m.scale.shape, in: "modulatedFeedForwardGradient")
    let (width, hidden) = checkFeedForward(x, m, gate, up, down)
    check(d, like: x, in: "modulatedFeedForwardGradient")
    check(y, like: x, in: "modulatedFeedForwardGradient")
    precondition(
      z.shape == x.shape.replacing(-1, with: hidden),
      "modulatedFeedForwardGradient: sum \(z.shape) for x \(x.shape)")
    var places = SumPlaces()
    let du = places.add(up.shape), da = places.add([hidden])
    let dd = places.add(down.shape), db = places.add([width])
    let dx = Tensor(x.shape) { _ in }
    let dscale = tiles.pieceSums(width), dshift = tiles.pieceSums(width), dgate = tiles.pieceSums(width)
    let (narrow, wide) = (tiles.most * width, tiles.most * hidden)
    let sums = tiles.sum(places.count, scratch: 2 * narrow + 2 * wide) { tile, isFirst, sums, scratch in
      let n = scratch, dy = n + narrow, dz = dy + narrow, h = dz + wide
      let first = tile.first * width
      if isFirst {
        (sums + da.offset).initialize(repeating: 0, count: hidden)
        (sums + db.offset).initialize(repeating: 0, count: width)
      }
      flow_gated_add_gradient(
        tile.batch, tile.tokens, width, gate.pointer + tile.row * width, y.pointer + first,
        d.pointer + first, dy, dgate.storage.base + tile.piece * width)
      flow_accumulate_rows(tile.count, width, dy, sums + db.offset)
      gemm(tile.count, hidden, width, dy, down.pointer, into: dz)
      flow_activation_backward(
        activation.rawValue, tile.count, hidden, z.pointer + tile.first * hidden, dz, h, sums + da.offset)
      gemm(width, hidden, tile.count, dy, transposed: true, h, adding: !isFirst, into: sums + dd.offset)
      m.apply(to: x.pointer, tile, into: n)
      gemm(hidden, width, tile.count, dz, transposed: true, n, adding: !isFirst, into: sums + du.offset)
      // The normalisation is done with: its place takes its cotangent.
      gemm(tile.count, width, hidden, dz, up.pointer, into: n)
      m.gradient(at: x.pointer, tile, n, into: dx.storage.base, scale: dscale, shift: dshift)
      flow_accumulate(tile.count * width, d.pointer + first, dx.storage.base + first)
    }
    return FeedForwardGradient(
      x: dx, scale: tiles.total(dscale, gate.shape), shift: tiles.total(dshift, gate.shape),
      gate: tiles.total(dgate, gate.shape),
      up: LinearWeights(weight: du.tensor(sums), bias: da.tensor(sums)),
      down: LinearWeights(weight: dd.tensor(sums), bias: db.tensor(sums)))
  }

  private static func checkFeedForward(
    _ x: Tensor, _ m: Modulation, _ gate: Tensor, _ up: Tensor, _ down: Tensor
  ) -> (width: Int, hidden: Int) {
    let width = x.shape[-1]
    precondition(
      gate.shape == m.scale.shape && up.shape.rank == 2 && up.shape[1] == width
        && down.shape == [width, up.shape[0]],
      "modulatedFeedForward: gate \(gate.shape), up \(up.shape) and down \(down.shape) for x \(x.shape)")
    return (width, up.shape[0])
  }
}
