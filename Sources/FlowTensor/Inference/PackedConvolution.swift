// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// y = x∗W + b with a kernel of 3×3 and as many places as x, its weights packed for the kernel, in one of three
/// precisions.
package final class PackedConvolution: @unchecked Sendable {  // Safe: written in the initialiser alone.
  /// Numbers of a place of y.
  package let outputs: Int
  private let memory: Workspace
  private let kernel: UnsafeMutablePointer<flow_packed_convolution>

  /// Packs weights [output, 3, 3, input] and biases [output].
  package init(weight: Tensor, bias: Tensor, precision: InferencePrecision, in arena: WeightArena) {
    precondition(
      weight.shape.rank == 4 && weight.shape[1] == 3 && weight.shape[2] == 3
        && bias.shape == [weight.shape[0]],
      "PackedConvolution: weight \(weight.shape) and bias \(bias.shape)")
    let inputs = weight.shape[3], outputs = weight.shape[0]
    let sizes = Sizes(inputs: inputs, outputs: outputs, precision)
    let (memory, weights) = arena.take(sizes.byteCount)
    let biases = (weights + sizes.weights).bindMemory(to: Float.self, capacity: 2 * sizes.outputs)
    let scale = biases + sizes.outputs
    let offset = UnsafeMutableRawPointer(scale + sizes.outputs).bindMemory(
      to: Int32.self, capacity: sizes.offsets)
    bias.withElements { biases.update(from: $0.baseAddress!, count: outputs) }
    let kernel = UnsafeMutablePointer<flow_packed_convolution>.allocate(capacity: 1)
    kernel.initialize(
      to: flow_packed_convolution(
        precision: precision.kernel, inputs: inputs, outputs: outputs, padded_inputs: sizes.inputs,
        padded_outputs: sizes.outputs, weights: weights, bias: biases, scale: scale, offset: offset))
    weight.withElements { flow_pack_convolution(kernel, $0.baseAddress, scale, offset) }
    (self.outputs, self.kernel, self.memory) = (outputs, kernel, memory)
  }

  deinit { kernel.deallocate() }

  /// Bytes that a convolution of this shape takes in an arena.
  package static func byteCount(inputs: Int, outputs: Int, precision: InferencePrecision) -> Int {
    WeightArena.size(Sizes(inputs: inputs, outputs: outputs, precision).byteCount)
  }

  /// Numbers in a row of y at least.
  package static func rowCount(outputs: Int) -> Int { padded(outputs, to: 16) }

  /// y = x∗W + b, or y += x∗W + b where `adding`, for lines `lines` of a picture on the calling thread; the rows of y
  /// are `stride` apart and begin with the first of these lines.
  package func apply(
    lines: Range<Int>, of picture: Int, in x: BorderedPictures, into y: UnsafeMutablePointer<Float>,
    stride: Int,
    adding: Bool = false
  ) {
    var source = x.kernel(picture)
    flow_convolve_rows(kernel, &source, lines.lowerBound, lines.count, y, stride, adding)
  }

  /// Extents as they are stored, and bytes.
  private struct Sizes {
    let inputs: Int
    let outputs: Int
    let weights: Int
    let offsets: Int

    init(inputs: Int, outputs: Int, _ precision: InferencePrecision) {
      let taps = Int(FLOW_TAPS)
      self.inputs = padded(inputs, to: 4)
      self.outputs = padded(outputs, to: packedColumns)
      weights = flow_packed_bytes(precision.kernel, taps * self.inputs, self.outputs)
      offsets = precision == .int8 ? taps * self.outputs : 0
    }

    /// Of weights, biases, scales and offsets.
    var byteCount: Int { weights + 4 * (2 * outputs + offsets) }
  }
}
