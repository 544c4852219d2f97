// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Testing

/// Operands of the kernels that go by tiles of tokens, of like size throughout.
struct TileOperands: Sendable {
  let x: Tensor
  let d: Tensor
  let attended: Tensor
  let modulation: Modulation
  let gate: Tensor
  let up: LinearWeights
  let down: LinearWeights
  let square: LinearWeights

  init(_ shape: Shape, hidden: Int, _ random: inout Random) {
    let channels = shape[-1], shared = Shape(Array(shape.extents.dropLast(2)) + [channels])
    (x, d, attended) = (random.normal(shape), random.normal(shape), random.normal(shape))
    let scale = random.normal(shared).affine(scale: 0.3), shift = random.normal(shared)
    modulation = Modulation(scale: scale, shift: shift, epsilon: 1e-3)
    gate = random.normal(shared)
    func layer(_ output: Int, _ input: Int) -> LinearWeights {
      LinearWeights(
        weight: random.normal([output, input]).affine(scale: 1 / Float(input).squareRoot()),
        bias: random.normal([output]))
    }
    (up, down, square) = (layer(hidden, channels), layer(channels, hidden), layer(channels, channels))
  }

  /// Every result, by the fused kernels.
  func fused() -> [Tensor] {
    let linear = Tensor.modulatedLinear(x, modulation, [square, up])
    let linearGradient = Tensor.modulatedLinearGradient(
      x, modulation, weights: [square.weight, up.weight], cotangents: [d, linear[1]])
    let gated = Tensor.gatedLinear(x, gate: gate, attended, square)
    let gatedGradient = Tensor.gatedLinearGradient(
      gate: gate, attended, weight: square.weight, layer: gated.layer, cotangent: d)
    let forward = Tensor.modulatedFeedForward(
      x, modulation, gate: gate, up: up, down: down, activation: .gelu)
    let g = Tensor.modulatedFeedForwardGradient(
      x, modulation, gate: gate, up: up.weight, down: down.weight, sum: forward.sum, layer: forward.layer,
      cotangent: d, activation: .gelu)
    return linear + [linearGradient.x, linearGradient.scale, linearGradient.shift]
      + linearGradient.layers.flatMap { [$0.weight, $0.bias] } + [
        gated.result, gated.layer, gatedGradient.gate, gatedGradient.input, gatedGradient.layer.weight,
        gatedGradient.layer.bias, forward.result, forward.sum, forward.layer, g.x, g.scale, g.shift, g.gate,
        g.up.weight, g.up.bias, g.down.weight, g.down.bias,
      ]
  }

  /// The same by whole operations.
  func separate() -> [Tensor] {
    let n = normalised, u = linear(n, up)
    let linearGradient = combined([(square, d), (up, u)], n)
    let y = linear(attended, square)
    let through = Tensor.gatedAddGradient(gate: gate, y, cotangent: d)
    let h = u.map(.gelu), f = linear(h, down)
    let gated = Tensor.gatedAddGradient(gate: gate, f, cotangent: d)
    let dz = Tensor.combine(.geluGradient, product(gated.y, down.weight), u)
    let normed = combined([(up, dz)], n)
    return [linear(n, square), u] + linearGradient + [
      Tensor.gatedAdd(x, gate: gate, y), y, through.gate, product(through.y, square.weight),
      Tensor.matmul(rows(through.y), rows(attended), transposeA: true), rows(through.y).sum(axis: 0),
      Tensor.gatedAdd(x, gate: gate, f), u, f, Tensor.combine(.add, d, normed[0]), normed[1], normed[2],
      gated.gate, normed[3], normed[4], Tensor.matmul(rows(gated.y), rows(h), transposeA: true),
      rows(gated.y).sum(axis: 0),
    ]
  }

  private var normalised: Tensor {
    Tensor.modulatedNorm(
      x, scale: modulation.scale, shift: modulation.shift, epsilon: modulation.epsilon)
  }

  private func rows(_ x: Tensor) -> Tensor { x.reshaped([x.count / x.shape[-1], x.shape[-1]]) }

  private func product(_ x: Tensor, _ w: Tensor) -> Tensor {
    Tensor.matmul(rows(x), w).reshaped(x.shape.replacing(-1, with: w.shape[1]))
  }

  private func linear(_ x: Tensor, _ layer: LinearWeights) -> Tensor {
    Tensor.matmul(rows(x), layer.weight, transposeB: true, bias: layer.bias)
      .reshaped(x.shape.replacing(-1, with: layer.weight.shape[0]))
  }

  /// Gradients of layers of the normalisation: of x, scale, shift, and W and b of each layer.
  private func combined(_ layers: [(layer: LinearWeights, d: Tensor)], _ n: Tensor) -> [Tensor] {
    let parts = layers.map { product($0.d, $0.layer.weight) }
    let dn = parts.dropFirst().reduce(parts[0]) { Tensor.combine(.add, $0, $1) }
    let g = Tensor.modulatedNormGradient(
      x, scale: modulation.scale, cotangent: dn, epsilon: modulation.epsilon)
    return [g.x, g.scale, g.shift]
      + layers.flatMap { [Tensor.matmul(rows($0.d), rows(n), transposeA: true), rows($0.d).sum(axis: 0)] }
  }
}

@Suite("Kernels by tiles of tokens")
struct TileTests {
  /// Whole batch rows to a tile, several tiles to a group; one token a row; pieces of long rows; several batch axes.
  static let shapes: [Shape] = [
    [150, 7, 16], [1500, 1, 5], [2, 700, 32], [1, 1, 3], [2, 3, 40, 17], [1, 287, 16], [3, 288, 1],
  ]

  @Test("compute what the separate operations do", arguments: shapes)
  func agreement(shape: Shape) {
    var random = Random(key: 17)
    let operands = TileOperands(shape, hidden: 2 * shape[-1] + 3, &random)
    let found = operands.fused(), wanted = operands.separate()
    #expect(found.count == wanted.count)
    for (index, (found, wanted)) in zip(found, wanted).enumerated() {
      #expect(found.shape == wanted.shape, "result \(index)")
      // Sums over all tokens are as large as their root.
      let magnitude = max(1, (wanted.sumOfSquares / Double(max(wanted.count, 1))).squareRoot())
      expectClose(
        found, wanted.doubles, tolerance: 2e-5 * magnitude * Double(shape[-1]).squareRoot(), "result \(index)"
      )
    }
  }

  @Test(
    "the gradients of a linear layer are the products", arguments: [3, 2048, 2500], [Activation.silu, nil])
  func linear(rows: Int, activation: Activation?) {
    var random = Random(key: 18)
    let x = random.normal([rows, 5]), w = random.normal([16, 5]), dy = random.normal([rows, 16])
    let z = random.normal([rows, 16])
    let g = Tensor.linearGradient(x, weight: w, cotangent: dy, activation: activation.map { ($0, z) })
    let d = activation.map { Tensor.combine($0.gradient, dy, z) } ?? dy
    expectClose(g.input!, Tensor.matmul(d, w).doubles, tolerance: 1e-5)
    expectClose(g.weight, Tensor.matmul(d, x, transposeA: true).doubles, tolerance: 2e-4)
    expectClose(g.bias, d.sum(axis: 0).doubles, tolerance: 2e-4)
    let without = Tensor.linearGradient(
      x, weight: w, cotangent: dy, activation: activation.map { ($0, z) }, needsInput: false)
    #expect(without.input == nil && without.weight.elements == g.weight.elements)
  }
}
