// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// Rows of activations, and room for them as bytes: what goes into a packed linear layer.
package struct LinearInput {
  let floats: UnsafePointer<Float>
  let stride: Int
  let bytes: UnsafeMutablePointer<UInt8>
  let scales: UnsafeMutablePointer<Float>

  /// Rows of floats `stride` apart; `bytes` has room for as many rows of the padded inputs of the layer, `scales` for
  /// one number a row.
  package init(
    floats: UnsafePointer<Float>, stride: Int, bytes: UnsafeMutablePointer<UInt8>,
    scales: UnsafeMutablePointer<Float>
  ) {
    self.floats = floats
    self.stride = stride
    self.bytes = bytes
    self.scales = scales
  }
}

/// y = x·Wᵀ + b with weights packed for the kernel, in one of three precisions.
///
/// Several layers of the same input may be packed side by side: one pass over the rows serves them all.
package final class PackedLinear: @unchecked Sendable {  // Safe: written in the initialiser alone.
  /// Numbers in a row of x.
  package let inputs: Int
  /// Numbers in a row of y, padded to a multiple of ``packedColumns``.
  package let outputs: Int
  /// Bytes of the activations of a row in the layer's precision.
  package let rowByteCount: Int
  private let memory: Workspace
  private let kernel: UnsafeMutablePointer<flow_packed_linear>
  private let isInt8: Bool

  /// Packs weights [output, input] and biases [output], one below the other.
  package init(
    _ layers: [(weight: Tensor, bias: Tensor)], precision: InferencePrecision, in arena: WeightArena
  ) {
    let inputs = layers[0].weight.shape[1]
    let count = layers.reduce(0) { $0 + $1.weight.shape[0] }
    let rows = padded(inputs, to: 4), columns = padded(count, to: packedColumns)
    let weightBytes = flow_packed_bytes(precision.kernel, rows, columns)
    let (memory, weights) = arena.take(weightBytes + Self.besideWeights(columns))
    let bias = (weights + weightBytes).bindMemory(to: Float.self, capacity: 2 * columns)
    let scale = bias + columns
    let offset = UnsafeMutableRawPointer(scale + columns).bindMemory(to: Int32.self, capacity: columns)
    Tensor.concatenate(layers.map(\.weight), axis: 0).withElements {
      flow_pack_linear(precision.kernel, inputs, count, rows, $0.baseAddress, weights, scale, offset)
    }
    Tensor.concatenate(layers.map(\.bias), axis: 0).withElements {
      bias.update(from: $0.baseAddress!, count: count)
    }
    self.inputs = inputs
    self.memory = memory
    outputs = columns
    rowByteCount = rows
    isInt8 = precision == .int8
    kernel = .allocate(capacity: 1)
    kernel.initialize(
      to: flow_packed_linear(
        precision: precision.kernel, inputs: inputs, outputs: count, padded_inputs: rows,
        padded_outputs: columns, weights: weights, bias: bias, scale: scale, offset: offset))
  }

  deinit { kernel.deallocate() }

  /// Bytes that a layer of this shape takes in an arena.
  package static func byteCount(inputs: Int, outputs: Int, precision: InferencePrecision) -> Int {
    let rows = padded(inputs, to: 4), columns = padded(outputs, to: packedColumns)
    return WeightArena.size(
      flow_packed_bytes(precision.kernel, rows, columns) + besideWeights(columns))
  }

  /// Bytes of biases, scales and offsets.
  private static func besideWeights(_ columns: Int) -> Int { 3 * 4 * columns }

  /// Applies the layer to `rows` rows on the calling thread: y = activation(x·Wᵀ + b), or y += gate∘(x·Wᵀ + b) with a
  /// gate for each row.
  ///
  /// `bias`, of `outputs` numbers, takes the place of the layer's own.
  package func apply(
    _ rows: Int, _ x: LinearInput, into y: UnsafeMutablePointer<Float>, stride: Int,
    activation: Activation? = nil, gates: UnsafePointer<UnsafePointer<Float>?>? = nil,
    bias: UnsafePointer<Float>? = nil
  ) {
    var kernel = kernel.pointee
    if let bias { kernel.bias = bias }
    var output = flow_linear_output(y: y, stride: stride, gates: gates, activation: Self.kernel(activation))
    if isInt8 {
      flow_quantise_rows(rows, inputs, rowByteCount, x.floats, x.stride, x.bytes, rowByteCount, x.scales)
      var input = flow_rows_int8(x: x.bytes, stride: rowByteCount, scale: x.scales)
      flow_linear_int8(&kernel, &input, rows, &output)
    } else {
      flow_linear_float(&kernel, x.floats, x.stride, rows, &output)
    }
  }

  private static func kernel(_ activation: Activation?) -> Int32 {
    switch activation {
    case nil: Int32(FLOW_LINEAR_IDENTITY)
    case .silu: Int32(FLOW_LINEAR_SILU)
    case .gelu: Int32(FLOW_LINEAR_GELU)
    }
  }
}
