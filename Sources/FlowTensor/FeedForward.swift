// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// The weights of y = f(x·Uᵀ + a)·Dᵀ + b.
public struct FeedForwardWeights: Sendable {
  /// U, [hidden, input].
  public let up: Tensor
  /// a, [hidden].
  public let upBias: Tensor
  /// D, [output, hidden].
  public let down: Tensor
  /// b, [output].
  public let downBias: Tensor

  /// These weights.
  public init(up: Tensor, upBias: Tensor, down: Tensor, downBias: Tensor) {
    precondition(
      up.shape.rank == 2 && down.shape.rank == 2 && upBias.shape == [up.shape[0]]
        && down.shape[1] == up.shape[0] && downBias.shape == [down.shape[0]],
      "feedForward: up \(up.shape) and \(upBias.shape), down \(down.shape) and \(downBias.shape) disagree")
    self.up = up
    self.upBias = upBias
    self.down = down
    self.downBias = downBias
  }

  var input: Int { up.shape[1] }
  var hidden: Int { up.shape[0] }
  var output: Int { down.shape[0] }

  func check(_ x: Tensor, in operation: String) {
    precondition(x.shape.rank == 2 && x.shape[1] == input, "\(operation): x \(x.shape) for up \(up.shape)")
  }
}

/// A feed-forward network of one hidden layer, tile by tile: the hidden layer of a tile stays in cache between the two
/// products, and is not kept.
extension Tensor {
  /// f(z)·Dᵀ + b with z = x·Uᵀ + a, for x [rows, input].
  public static func feedForward(_ x: Tensor, _ w: FeedForwardWeights, activation: Activation) -> Tensor {
    w.check(x, in: "feedForward")
    if isTiled(x) { return feedForward(x, w, activation, sum: nil) }
    let h = linear(x, weight: w.up, bias: w.upBias, activation: activation)
    return matmul(h, w.down, transposeB: true, bias: w.downBias)
  }

  private static func isTiled(_ x: Tensor, least: Int = 64) -> Bool {
    x.shape[0] >= least && MatmulPrecision.current == .float32
  }

  /// The result of ``feedForward(_:_:activation:)``, and z, which the derivatives need.
  public static func feedForwardKeepingSum(
    _ x: Tensor, _ w: FeedForwardWeights, activation: Activation
  ) -> (result: Tensor, sum: Tensor) {
    w.check(x, in: "feedForward")
    if !isTiled(x) {
      let hidden = linearKeepingSum(x, weight: w.up, bias: w.upBias, activation: activation)
      return (matmul(hidden.result, w.down, transposeB: true, bias: w.downBias), hidden.sum)
    }
    let z = Tensor([x.shape[0], w.hidden]) { _ in }
    return (feedForward(x, w, activation, sum: z), z)
  }

  private static func feedForward(
    _ x: Tensor, _ w: FeedForwardWeights, _ activation: Activation, sum: Tensor?
  ) -> Tensor {
    let (rows, hidden, output) = (x.shape[0], w.hidden, w.output)
    let up = transposedCopy(w.up, rows: hidden, columns: w.input)
    let down = transposedCopy(w.down, rows: output, columns: hidden)
    return Tensor([rows, output]) { result in
      RowTiles(rows).forEach { rows in
        let h = Storage(count: rows.count * hidden)
        let z = sum.map { $0.storage.base + rows.lowerBound * hidden } ?? h.base
        gemm(
          rows.count, hidden, w.input,
          Matrix(base: x.pointer + rows.lowerBound * w.input, stride: w.input),
          Matrix(base: up.base, stride: hidden), into: z, stride: hidden)
        flow_bias_activate(
          activation.rawValue, rows.count, hidden, w.upBias.pointer, z, sum == nil ? nil : h.base)
        let y = result + rows.lowerBound * output
        gemm(
          rows.count, output, hidden, Matrix(base: h.base, stride: hidden),
          Matrix(base: down.base, stride: output), into: y, stride: output)
        flow_add_bias(rows.count, output, w.downBias.pointer, y)
        withExtendedLifetime(h) {}
      }
      withExtendedLifetime((up, down)) {}
    }
  }

  /// (f′(z)∘(dx·Uᵀ))·Dᵀ: the tangent of ``feedForward(_:_:activation:)`` along a tangent of x.
  public static func feedForwardTangent(
    _ dx: Tensor, _ w: FeedForwardWeights, sum z: Tensor, activation: Activation
  ) -> Tensor {
    w.check(dx, in: "feedForwardTangent")
    let (rows, hidden, output) = (dx.shape[0], w.hidden, w.output)
    precondition(z.shape == [rows, hidden], "feedForwardTangent: sum \(z.shape) for x \(dx.shape)")
    if !isTiled(dx) {
      let dh = linearTangent(dx, weight: w.up, sum: z, activation: activation)
      return matmul(dh, w.down, transposeB: true)
    }
    let up = transposedCopy(w.up, rows: hidden, columns: w.input)
    let down = transposedCopy(w.down, rows: output, columns: hidden)
    return Tensor([rows, output]) { result in
      RowTiles(rows).forEach { rows in
        let h = Storage(count: rows.count * hidden)
        gemm(
          rows.count, hidden, w.input,
          Matrix(base: dx.pointer + rows.lowerBound * w.input, stride: w.input),
          Matrix(base: up.base, stride: hidden), into: h.base, stride: hidden)
        flow_activation_tangent(
          activation.rawValue, rows.count * hidden, z.pointer + rows.lowerBound * hidden, h.base)
        gemm(
          rows.count, output, hidden, Matrix(base: h.base, stride: hidden),
          Matrix(base: down.base, stride: output), into: result + rows.lowerBound * output, stride: output)
        withExtendedLifetime(h) {}
      }
      withExtendedLifetime((up, down)) {}
    }
  }

  /// The gradients of ``feedForward(_:_:activation:)`` with respect to x and the weights, from a cotangent dy.
  ///
  /// With dz = f′(z)∘(dy·D): dx = dz·U, dU = dzᵀ·x, da = Σ dz, dD = dyᵀ·f(z), db = Σ dy.
  public static func feedForwardGradient(
    _ x: Tensor, _ w: FeedForwardWeights, sum z: Tensor, cotangent dy: Tensor, activation: Activation
  ) -> (input: Tensor, weights: FeedForwardWeights) {
    w.check(x, in: "feedForwardGradient")
    precondition(
      z.shape == [x.shape[0], w.hidden] && dy.shape == [x.shape[0], w.output],
      "feedForwardGradient: sum \(z.shape) and cotangent \(dy.shape) for x \(x.shape)")
    return isTiled(x, least: RowTiles.leastForSums)
      ? feedForwardGradientByTiles(x, w, z, dy, activation)
      : feedForwardGradientByProducts(x, w, z, dy, activation)
  }

  /// The same by whole products, in the precision that is current.
  private static func feedForwardGradientByProducts(
    _ x: Tensor, _ w: FeedForwardWeights, _ z: Tensor, _ dy: Tensor, _ activation: Activation
  ) -> (input: Tensor, weights: FeedForwardWeights) {
    let h = z.map(activation.function)
    let down = linearGradient(h, [LinearCotangent(weight: w.down, cotangent: dy)])
    let up = linearGradient(
      x, [LinearCotangent(weight: w.up, cotangent: down.input!, activation: (activation, z))])
    return (
      up.input!,
      FeedForwardWeights(
        up: up.weights[0], upBias: up.biases[0], down: down.weights[0], downBias: down.biases[0])
    )
  }

  private static func feedForwardGradientByTiles(
    _ x: Tensor, _ w: FeedForwardWeights, _ z: Tensor, _ dy: Tensor, _ activation: Activation
  ) -> (input: Tensor, weights: FeedForwardWeights) {
    let (rows, input, hidden, output) = (x.shape[0], w.input, w.hidden, w.output)
    var places = SumPlaces()
    let up = places.add(w.up.shape), upBias = places.add(w.upBias.shape)
    let down = places.add(w.down.shape), downBias = places.add(w.downBias.shape)
    let dx = Tensor(x.shape) { _ in }
    let tiles = RowTiles(rows)
    let tile = tiles.most * hidden
    let sums = tiles.sum(places.count, scratch: 2 * tile) { rows, isFirst, sums, scratch in
      let (dz, h) = (scratch, scratch + tile)
      if isFirst {
        (sums + upBias.offset).initialize(repeating: 0, count: hidden)
        (sums + downBias.offset).initialize(repeating: 0, count: output)
      }
      let d = Matrix(base: dy.pointer + rows.lowerBound * output, stride: output)
      gemm(
        rows.count, hidden, output, d, Matrix(base: w.down.pointer, stride: hidden), into: dz, stride: hidden)
      flow_activation_backward(
        activation.rawValue, rows.count, hidden, z.pointer + rows.lowerBound * hidden, dz, h,
        sums + upBias.offset)
      flow_accumulate_rows(rows.count, output, d.base, sums + downBias.offset)
      gemm(
        output, hidden, rows.count, Matrix(base: d.base, stride: output, transposed: true),
        Matrix(base: h, stride: hidden), beta: isFirst ? 0 : 1, into: sums + down.offset, stride: hidden)
      gemm(
        hidden, input, rows.count, Matrix(base: dz, stride: hidden, transposed: true),
        Matrix(base: x.pointer + rows.lowerBound * input, stride: input), beta: isFirst ? 0 : 1,
        into: sums + up.offset,
        stride: input)
      gemm(
        rows.count, input, hidden, Matrix(base: dz, stride: hidden),
        Matrix(base: w.up.pointer, stride: input), into: dx.storage.base + rows.lowerBound * input,
        stride: input)
    }
    return (
      dx,
      FeedForwardWeights(
        up: up.tensor(sums), upBias: upBias.tensor(sums), down: down.tensor(sums),
        downBias: downBias.tensor(sums))
    )
  }
}
