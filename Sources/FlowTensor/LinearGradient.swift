// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// What the gradients of a linear layer are.
public struct LinearGradient: Sendable {
  /// dx, [rows, input]; nil if it was not asked for.
  public let input: Tensor?
  /// dW.
  public let weight: Tensor
  /// db.
  public let bias: Tensor
}

extension Tensor {
  /// The gradients of y = f(z) with z = x·Wᵀ + b from a cotangent dy: with D = f′(z)∘dy, dx = D·W, dW = Dᵀ·x, and
  /// db = Σ D over the rows.
  ///
  /// One pass over tiles of rows where there are many: D stays in cache for its three uses.
  ///
  /// - Parameters:
  ///   - activation: f and z [rows, output]; nil for y = z.
  ///   - needsInput: false leaves dx out.
  public static func linearGradient(
    _ x: Tensor, weight: Tensor, cotangent: Tensor, activation: (function: Activation, sum: Tensor)? = nil,
    needsInput: Bool = true
  ) -> LinearGradient {
    precondition(
      x.shape.rank == 2 && weight.shape.rank == 2 && weight.shape[1] == x.shape[1]
        && cotangent.shape == [x.shape[0], weight.shape[0]],
      "linearGradient: x \(x.shape), weight \(weight.shape) and cotangent \(cotangent.shape) disagree")
    if let activation { check(activation.sum, like: cotangent, in: "linearGradient") }
    // Of fewer rows, the sums of groups of tiles weigh more than what they save.
    if x.shape[0] >= 2048, MatmulPrecision.current == .float32 {
      return linearGradientByTiles(x, weight, cotangent, activation, needsInput)
    }
    let (d, bias) =
      activation.map { activationGradient($0.sum, cotangent: cotangent, activation: $0.function) }
      ?? (cotangent, cotangent.sum(axis: 0))
    return LinearGradient(
      input: needsInput ? matmul(d, weight) : nil, weight: matmul(d, x, transposeA: true), bias: bias)
  }

  private static func linearGradientByTiles(
    _ x: Tensor, _ weight: Tensor, _ cotangent: Tensor, _ activation: (function: Activation, sum: Tensor)?,
    _ needsInput: Bool
  ) -> LinearGradient {
    let (rows, input, output) = (x.shape[0], x.shape[1], weight.shape[0])
    var places = SumPlaces()
    let dw = places.add(weight.shape), db = places.add([output])
    let dx = Tensor([needsInput ? rows : 0, input]) { _ in }
    let tiles = TokenTiles(batch: rows, tokens: 1)
    let sums = tiles.sum(places.count, scratch: tiles.most * output) { tile, isFirst, sums, scratch in
      let x = x.pointer + tile.first * input
      var d = cotangent.pointer + tile.first * output
      if isFirst { (sums + db.offset).initialize(repeating: 0, count: output) }
      if let activation {
        flow_activation_gradient(
          activation.function.rawValue, tile.count, output, activation.sum.pointer + tile.first * output, d,
          scratch, sums + db.offset)
        d = UnsafePointer(scratch)
      } else {
        flow_accumulate_rows(tile.count, output, d, sums + db.offset)
      }
      gemm(output, input, tile.count, d, transposed: true, x, adding: !isFirst, into: sums + dw.offset)
      if needsInput {
        gemm(tile.count, input, output, d, weight.pointer, into: dx.storage.base + tile.first * input)
      }
    }
    return LinearGradient(input: needsInput ? dx : nil, weight: dw.tensor(sums), bias: db.tensor(sums))
  }
}
