// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// A linear layer behind a gate on a residual stream, tile by tile. In float32.
extension Tensor {
  /// x + gate∘y and y = a·Wᵀ + b, with x [batch…, tokens, channels], a [batch…, tokens, input] and one gate
  /// [batch…, channels] for all tokens of a batch row.
  public static func gatedLinear(
    _ x: Tensor, gate: Tensor, _ a: Tensor, _ layer: LinearWeights
  ) -> (result: Tensor, layer: Tensor) {
    let tiles = TokenTiles(x.shape, gate.shape, in: "gatedLinear")
    let (input, output) = (layer.input, layer.output)
    precondition(
      a.shape == x.shape.replacing(-1, with: input) && output == x.shape[-1],
      "gatedLinear: input \(a.shape) and weight \(layer.weight.shape) for x \(x.shape)")
    let weight = transposedCopy(layer.weight, rows: output, columns: input)
    let y = Tensor(x.shape) { _ in }
    let result = Tensor(x.shape) { result in
      tiles.forEach { tile in
        let first = tile.first * output
        let product = Storage(count: tile.count * output)
        gemm(tile.count, output, input, a.pointer + tile.first * input, weight.base, into: product.base)
        flow_bias_gated_store(
          tile.batch, tile.tokens, output, layer.bias.pointer, product.base, x.pointer + first,
          gate.pointer + tile.row * output, y.storage.base + first, result + first)
        withExtendedLifetime(product) {}
      }
    }
    withExtendedLifetime(weight) {}
    return (result, y)
  }

  /// The gradients of `gatedLinear` with respect to gate, a and the layer, from a cotangent d of the result; that of x
  /// is d itself.
  ///
  /// dgate = Σ y∘d over the tokens; with dy = gate∘d: da = dy·W, dW = dyᵀ·a, db = Σ dy.
  public static func gatedLinearGradient(
    gate: Tensor, _ a: Tensor, weight: Tensor, layer y: Tensor, cotangent d: Tensor
  ) -> (gate: Tensor, input: Tensor, layer: LinearWeights) {
    let tiles = TokenTiles(y.shape, gate.shape, in: "gatedLinearGradient")
    let (input, output) = (weight.shape[1], weight.shape[0])
    precondition(
      a.shape == y.shape.replacing(-1, with: input) && output == y.shape[-1] && d.shape == y.shape,
      "gatedLinearGradient: input \(a.shape), weight \(weight.shape) and cotangent \(d.shape) for \(y.shape)")
    var places = SumPlaces()
    let dw = places.add(weight.shape), db = places.add([output])
    let da = Tensor(a.shape) { _ in }
    let dgate = tiles.pieceSums(output)
    let sums = tiles.sum(places.count, scratch: tiles.most * output) { tile, isFirst, sums, dy in
      let first = tile.first * output
      flow_gated_add_gradient(
        tile.batch, tile.tokens, output, gate.pointer + tile.row * output, y.pointer + first,
        d.pointer + first, dy, dgate.storage.base + tile.piece * output)
      if isFirst { (sums + db.offset).initialize(repeating: 0, count: output) }
      flow_accumulate_rows(tile.count, output, dy, sums + db.offset)
      gemm(
        output, input, tile.count, dy, transposed: true, a.pointer + tile.first * input, adding: !isFirst,
        into: sums + dw.offset)
      gemm(tile.count, input, output, dy, weight.pointer, into: da.storage.base + tile.first * input)
    }
    return (
      tiles.total(dgate, gate.shape), da, LinearWeights(weight: dw.tensor(sums), bias: db.tensor(sums))
    )
  }
}
