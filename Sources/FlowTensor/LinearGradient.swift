// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// One of the linear layers y = x·Wᵀ + b of an input.
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
}

/// Where a gradient enters a linear layer y = f(x·Wᵀ + b).
public struct LinearCotangent: Sendable {
  /// W, [output, input].
  public let weight: Tensor
  /// The cotangent of y, [rows, output].
  public let cotangent: Tensor
  /// f, and z = x·Wᵀ + b [rows, output]; nil for a layer without an activation.
  public let activation: (function: Activation, sum: Tensor)?

  /// The cotangent of a layer's result.
  public init(weight: Tensor, cotangent: Tensor, activation: (function: Activation, sum: Tensor)? = nil) {
    self.weight = weight
    self.cotangent = cotangent
    self.activation = activation
  }

  var output: Int { weight.shape[0] }
}

/// What the gradients of the layers of one input are.
public struct LinearGradient: Sendable {
  /// dx, [rows, input]; nil if it was not asked for.
  public let input: Tensor?
  /// dW of each layer.
  public let weights: [Tensor]
  /// db of each layer.
  public let biases: [Tensor]
}

extension Tensor {
  /// x·Wᵀ + b for layers that share their input x [rows, input], which is read once.
  public static func linear(_ x: Tensor, _ layers: [LinearWeights]) -> [Tensor] {
    for layer in layers {
      precondition(
        x.shape.rank == 2 && layer.weight.shape[1] == x.shape[1],
        "linear: x \(x.shape) and weight \(layer.weight.shape) disagree")
    }
    let (rows, width) = (x.shape[0], x.shape[1])
    if layers.count == 1 || rows < 64 || MatmulPrecision.current != .float32 {
      return layers.map { matmul(x, $0.weight, transposeB: true, bias: $0.bias) }
    }
    let transposed = layers.map { transposedCopy($0.weight, rows: $0.weight.shape[0], columns: width) }
    let results = layers.map { Tensor([rows, $0.weight.shape[0]]) { _ in } }
    RowTiles(rows).forEach { rows in
      let input = Matrix(base: x.pointer + rows.lowerBound * width, stride: width)
      for (index, layer) in layers.enumerated() {
        let output = layer.weight.shape[0]
        let y = results[index].storage.base + rows.lowerBound * output
        gemm(
          rows.count, output, width, input, Matrix(base: transposed[index].base, stride: output), into: y,
          stride: output)
        flow_add_bias(rows.count, output, layer.bias.pointer, y)
      }
    }
    withExtendedLifetime(transposed) {}
    return results
  }

  /// The gradients of linear layers that share their input x [rows, input]: with D = f′(z)∘dy of each layer,
  /// dx = Σ D·W over the layers, dW = Dᵀ·x and db = Σ D over the rows.
  ///
  /// One pass over tiles of rows where there are many: D stays in cache for its three uses. `input` false leaves dx out.
  public static func linearGradient(
    _ x: Tensor, _ layers: [LinearCotangent], input needsInput: Bool = true
  ) -> LinearGradient {
    for layer in layers {
      precondition(
        x.shape.rank == 2 && layer.weight.shape.rank == 2 && layer.weight.shape[1] == x.shape[1]
          && layer.cotangent.shape == [x.shape[0], layer.output],
        "linearGradient: x \(x.shape), weight \(layer.weight.shape), cotangent \(layer.cotangent.shape) disagree"
      )
      if let activation = layer.activation {
        check(activation.sum, like: layer.cotangent, in: "linearGradient")
      }
    }
    return x.shape[0] < RowTiles.leastForSums || MatmulPrecision.current != .float32
      ? linearGradientByProducts(x, layers, needsInput) : linearGradientByTiles(x, layers, needsInput)
  }

  private static func linearGradientByTiles(
    _ x: Tensor, _ layers: [LinearCotangent], _ needsInput: Bool
  ) -> LinearGradient {
    let (rows, width) = (x.shape[0], x.shape[1])
    var places = SumPlaces()
    let sums = layers.map { (weight: places.add($0.weight.shape), bias: places.add([$0.output])) }
    let widest = layers.map { $0.activation == nil ? 0 : $0.output }.max() ?? 0
    let dx = Tensor([needsInput ? rows : 0, width]) { _ in }
    let tiles = RowTiles(rows)
    let storage = tiles.sum(places.count, scratch: tiles.most * widest) { rows, isFirst, base, scratch in
      let input = Matrix(base: x.pointer + rows.lowerBound * width, stride: width)
      for (index, layer) in layers.enumerated() {
        let output = layer.output, first = rows.lowerBound * output
        var d = layer.cotangent.pointer + first
        let db = base + sums[index].bias.offset
        if isFirst { db.initialize(repeating: 0, count: output) }
        if let activation = layer.activation {
          flow_activation_gradient(
            activation.function.rawValue, rows.count, output, activation.sum.pointer + first, d, scratch, db)
          d = UnsafePointer(scratch)
        } else {
          flow_accumulate_rows(rows.count, output, d, db)
        }
        gemm(
          output, width, rows.count, Matrix(base: d, stride: output, transposed: true), input,
          beta: isFirst ? 0 : 1, into: base + sums[index].weight.offset, stride: width)
        if needsInput {
          gemm(
            rows.count, width, output, Matrix(base: d, stride: output),
            Matrix(base: layer.weight.pointer, stride: width), beta: index == 0 ? 0 : 1,
            into: dx.storage.base + rows.lowerBound * width, stride: width)
        }
      }
    }
    return LinearGradient(
      input: needsInput ? dx : nil, weights: sums.map { $0.weight.tensor(storage) },
      biases: sums.map { $0.bias.tensor(storage) })
  }

  /// The same by whole products, in the precision that is current.
  private static func linearGradientByProducts(
    _ x: Tensor, _ layers: [LinearCotangent], _ needsInput: Bool
  ) -> LinearGradient {
    let cotangents = layers.map { layer in
      layer.activation.map { activationGradient($0.sum, cotangent: layer.cotangent, activation: $0.function) }
        ?? (sum: layer.cotangent, bias: layer.cotangent.sum(axis: 0))
    }
    let inputs = needsInput ? zip(cotangents, layers).map { matmul($0.sum, $1.weight) } : []
    return LinearGradient(
      input: inputs.first.map { inputs.dropFirst().reduce($0) { combine(.add, $0, $1) } },
      weights: cotangents.map { matmul($0.sum, x, transposeA: true) }, biases: cotangents.map(\.bias))
  }
}

/// Arrays beside each other in one memory.
struct SumPlaces {
  struct Place {
    let offset: Int
    let shape: Shape

    func tensor(_ storage: Storage) -> Tensor { Tensor(shape: shape, storage: storage, offset: offset) }
  }

  private(set) var count = 0

  /// The place of the next array, at a multiple of a cache line.
  mutating func add(_ shape: Shape) -> Place {
    defer { count += (shape.count + 15) / 16 * 16 }
    return Place(offset: count, shape: shape)
  }
}
