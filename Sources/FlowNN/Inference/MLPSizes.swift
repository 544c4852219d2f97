// SPDX-License-Identifier: Apache-2.0

package import FlowTensor

/// What packing an ``MLP`` takes; no weights are needed to know it.
struct MLPSizes: Sendable {
  /// One layer: the columns of its weights that meet the state or the layer before, those that meet the times, its rows.
  struct Layer: Sendable {
    let inputs: Int
    let times: Int
    let outputs: Int
  }

  let layers: [Layer]
  /// Bytes of the packed layers.
  let packedByteCount: Int
  /// Floats between rows of activations.
  let stride: Int
  /// Rows that a core works on at a time.
  let rows: Int
  /// Bytes that the activations of a row take in the precision of the layers.
  let rowByteCount: Int

  init(_ model: MLP, _ precision: InferencePrecision) {
    layers = model.layers.enumerated().map { index, layer in
      let shape = model.layout.declarations[layer.weight.index].shape
      let inputs = index == 0 ? model.states.count : model.configuration.width
      return Layer(inputs: inputs, times: shape[1] - inputs, outputs: shape[0])
    }
    packedByteCount = layers.reduce(0) {
      $0 + PackedLinear.byteCount(inputs: $1.inputs, outputs: $1.outputs, precision: precision)
    }
    stride = layers.reduce(padded(model.states.count, to: packedColumns)) {
      max($0, padded($1.outputs, to: packedColumns))
    }
    rows = stride <= 256 ? 32 : min(64, max(8, (128 << 10) / (4 * stride) / 8 * 8))
    rowByteCount = layers.reduce(0) { max($0, padded($1.inputs, to: 4)) }
  }

  /// Bytes of a room for ``rows`` rows.
  var roomByteCount: Int { 4 * (2 * rows * stride + rows) + rows * rowByteCount }
}

extension MLP {
  /// Bytes that a ``CompiledMLP`` of this model keeps for its weights, beside them in `rooms` rooms for activations.
  package func residentByteCount(_ precision: InferencePrecision, rooms: Int) -> Int {
    let sizes = MLPSizes(self, precision)
    return sizes.packedByteCount + sizes.layers.reduce(0) { $0 + 4 * $1.outputs * ($1.times + 1) }
      + rooms * sizes.roomByteCount
  }
}
