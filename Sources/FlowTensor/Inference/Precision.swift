// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// How a network that only runs stores its weights and caches, and multiplies by them.
public enum InferencePrecision: String, CaseIterable, Sendable, Codable {
  /// Everything in 32-bit floats.
  case float32
  /// Weights, keys and values in bfloat16; activations and sums in float32.
  case bfloat16
  /// Weights in bytes with a scale an output, activations with a scale a token, keys and values with a scale a token
  /// and head; sums are exact integers.
  case int8

  var kernel: Int32 {
    switch self {
    case .float32: Int32(FLOW_PRECISION_FLOAT32)
    case .bfloat16: Int32(FLOW_PRECISION_BFLOAT16)
    case .int8: Int32(FLOW_PRECISION_INT8)
    }
  }
}

/// Rounds up to a multiple, so that kernels need no code for the rest of a vector.
package func padded(_ count: Int, to multiple: Int) -> Int { (count + multiple - 1) / multiple * multiple }

/// Columns that a panel of packed weights holds: rows between linear layers are padded to a multiple of it.
package let packedColumns = Int(FLOW_PACKED_COLUMNS)
