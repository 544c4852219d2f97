// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

extension SafetensorsWriter {
  /// Adds a tensor as F32.
  public mutating func add(_ name: String, _ tensor: Tensor) {
    add(name, type: .float32, shape: tensor.shape.extents) { borrow in
      tensor.withElements { borrow(UnsafeRawBufferPointer($0)) }
    }
  }

  /// Adds a tensor rounded to BF16.
  public mutating func add(bfloat16 tensor: Tensor, _ name: String) {
    add(name, type: .bfloat16, shape: tensor.shape.extents) { borrow in
      tensor.bfloat16.withUnsafeBytes(borrow)
    }
  }
}
