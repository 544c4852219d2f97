// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

extension Tensor {
  /// `scale`·byte + `shift` for each byte.
  public init(bytes: UnsafeBufferPointer<UInt8>, scale: Float, shift: Float, shape: Shape) {
    precondition(bytes.count == shape.count, "Tensor: \(bytes.count) bytes for shape \(shape)")
    self.init(shape) { result in
      guard let base = bytes.baseAddress else { return }
      Team.split(shape.count, grain: elementGrain) { range in
        flow_from_bytes(range.count, scale, shift, base + range.lowerBound, result + range.lowerBound)
      }
    }
  }

  /// `scale`·x + `shift` of each element, rounded to the nearest byte and clamped to 0…255.
  public func bytes(scale: Float, shift: Float) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      withExtendedLifetime(storage) { flow_to_bytes(count, scale, shift, pointer, buffer.baseAddress!) }
      filled = count
    }
  }

  /// Widens bfloat16 bit patterns, exactly.
  public init(bfloat16: UnsafeBufferPointer<UInt16>, shape: Shape) {
    precondition(bfloat16.count == shape.count, "Tensor: \(bfloat16.count) bfloat16 for shape \(shape)")
    self.init(shape) { flow_from_bfloat16(shape.count, bfloat16.baseAddress, $0) }
  }

  /// The elements rounded to bfloat16 bit patterns, ties to even.
  public var bfloat16: [UInt16] {
    [UInt16](unsafeUninitializedCapacity: count) { buffer, filled in
      withExtendedLifetime(storage) { flow_to_bfloat16(count, pointer, buffer.baseAddress!) }
      filled = count
    }
  }

  /// The elements rounded to the numbers that bfloat16 has, ties to even.
  public var roundedToBFloat16: Tensor {
    Tensor(shape) { result in
      Team.split(count, grain: elementGrain) { range in
        flow_round_to_bfloat16(range.count, pointer + range.lowerBound, result + range.lowerBound)
      }
    }
  }
}
