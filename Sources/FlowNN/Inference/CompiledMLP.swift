// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
package import FlowTensor

/// What an ``MLP`` adds to its layers at two times: a bias for each layer, its own and what the times contribute.
package final class MLPTimes: @unchecked Sendable {  // Safe: written in the initialiser alone.
  private let memory: Workspace
  private let starts: [Int]

  init(_ biases: [Tensor], widths: [Int]) {
    starts = widths.reduce(into: [0]) { $0.append($0.last! + $1) }
    memory = Workspace(count: starts.last!)
    for (bias, start) in zip(biases, starts) {
      bias.withElements { (memory.floats + start).update(from: $0.baseAddress!, count: $0.count) }
    }
  }

  func bias(_ layer: Int) -> UnsafePointer<Float> { UnsafePointer(memory.floats + starts[layer]) }
}

/// Room for the activations of a block of rows. Not Sendable: one task at a time writes it.
package final class MLPRows {
  /// The most rows at a time.
  package let capacity: Int
  fileprivate let stride: Int
  fileprivate let byteStride: Int
  private let memory: Workspace
  private let quantised: Workspace

  fileprivate init(capacity: Int, stride: Int, byteStride: Int) {
    self.capacity = capacity
    self.stride = stride
    self.byteStride = byteStride
    memory = Workspace(count: 2 * capacity * stride + capacity)
    quantised = Workspace(byteCount: capacity * byteStride)
  }

  /// One of two sets of rows.
  fileprivate func rows(_ side: Int) -> UnsafeMutablePointer<Float> {
    memory.floats + side * capacity * stride
  }

  fileprivate func input(_ side: Int) -> LinearInput {
    LinearInput(
      floats: rows(side), stride: stride, bytes: quantised.bytes,
      scales: memory.floats + 2 * capacity * stride)
  }
}

/// An ``MLP`` made ready to run: weights packed in a precision, what the times contribute folded into biases.
///
/// Layers before the last are h ← silu(W·h + b) with W the columns of the state alone; at given times everything else is
/// a constant.
package final class CompiledMLP: Sendable {
  /// The network's shape.
  package let configuration: MLPConfiguration
  /// How weights are stored.
  package let precision: InferencePrecision
  private let model: MLP
  private let biases: [Tensor]
  /// The columns of each layer's weights that the times meet; nil where they meet none.
  private let timeWeights: [Tensor?]
  private let layers: [PackedLinear]
  private let seen: SeenStates
  private let sizes: MLPSizes
  private var stride: Int { sizes.stride }

  /// Packs the weights of a model, given in the order of its layout.
  package init(_ model: MLP, weights: [Tensor], precision: InferencePrecision) {
    let sizes = MLPSizes(model, precision), arena = WeightArena(reserving: sizes.packedByteCount)
    configuration = model.configuration
    self.precision = precision
    self.model = model
    self.sizes = sizes
    seen = SeenStates(model.states.columns)
    let ofLayers = zip(model.layers, sizes.layers).map { layer, shape in
      (weight: Variable(weights[layer.weight.index]), bias: weights[layer.bias.index], shape: shape)
    }
    layers = ofLayers.map { weight, bias, shape in
      let ofState = weight.slice(axis: 1, 0..<shape.inputs).tensor
      return PackedLinear([(ofState, bias)], precision: precision, in: arena)
    }
    biases = ofLayers.map(\.bias)
    timeWeights = ofLayers.map { weight, _, shape in
      shape.times == 0 ? nil : weight.slice(axis: 1, shape.inputs..<weight.shape[1]).tensor
    }
  }

  /// Floats between rows of an answer.
  package var answerStride: Int { stride }

  /// Floating-point operations of an evaluation of one row, counted as two a weight.
  package var operations: Int { layers.reduce(0) { $0 + 2 * $1.inputs * $1.outputs } }

  /// Room for as many rows as leave their activations in a core's own cache: the first, of 32 KiB, where rows are narrow;
  /// the second where they are wide and weights, which are read once a block, do not fit beside them.
  package func makeRows() -> MLPRows {
    MLPRows(capacity: sizes.rows, stride: stride, byteStride: sizes.rowByteCount)
  }

  /// The biases at the times r and t.
  package func times(r: Float, t: Float) -> MLPTimes {
    let number = { (value: Float) in Variable(Tensor([value], shape: [1, 1])) }
    let (atInput, later) = model.timeColumns(r: number(r), t: number(t))
    let both = zip(biases, timeWeights).enumerated().map { index, layer in
      let (bias, ofTimes) = layer
      guard let ofTimes, let columns = index == 0 ? atInput : later else { return bias }
      return linear(columns, weight: Variable(ofTimes), bias: Variable(bias)).tensor
    }
    return MLPTimes(both, widths: layers.map(\.outputs))
  }

  /// The answers to `count` states, `stride` floats apart; they lie in `rows`, ``answerStride`` floats apart, until it
  /// is used again. Runs on the calling thread and allocates nothing.
  package func evaluate(
    _ count: Int, _ x: UnsafePointer<Float>, stride: Int, at times: MLPTimes, in rows: MLPRows
  ) -> UnsafeMutablePointer<Float> {
    seen.see(count, x, stride: stride, into: rows.rows(0), yStride: self.stride)
    layers.walk { layer, index in
      layer.apply(
        count, rows.input(index % 2), into: rows.rows((index + 1) % 2), stride: self.stride,
        activation: index + 1 < layers.count ? .silu : nil, bias: times.bias(index))
    }
    return rows.rows(layers.count % 2)
  }
}

extension MLP {
  /// All layers, the head last.
  var layers: [LinearLayer] { hidden + [head] }

  /// What stands beside the state at the input, and beside what enters later layers, at times [1, 1].
  func timeColumns(r: Variable, t: Variable) -> (atInput: Variable, later: Variable?) {
    switch configuration.times {
    case .features: (concatenate([times(t), times(t - r)], axis: 1), nil)
    case .everyLayer:
      {
        let both = concatenate([t, t - r], axis: 1)
        return (both, both)
      }()
    }
  }
}

extension StateFeatures {
  /// The features, one by one, in the order of ``callAsFunction(_:)``.
  var columns: [SeenStates.Column] {
    others.flatMap { $0.map { .plain($0) } }
      + angles.flatMap { run in
        (1...harmonics).flatMap { multiple in
          run.map { .cosine($0, multiple: multiple) } + run.map { .sine($0, multiple: multiple) }
        }
      }
  }
}
