// SPDX-License-Identifier: Apache-2.0

/// The element types a file may hold; the raw value is the name in a safetensors header.
public enum StoredType: String, Sendable, CaseIterable {
  /// IEEE 754 binary32.
  case float32 = "F32"
  /// IEEE 754 binary16.
  case float16 = "F16"
  /// The upper half of a binary32.
  case bfloat16 = "BF16"
  /// Two's complement, 64 bits.
  case int64 = "I64"
  /// Two's complement, 32 bits.
  case int32 = "I32"
  /// Two's complement, 8 bits.
  case int8 = "I8"
  /// Unsigned, 8 bits.
  case uint8 = "U8"

  /// The bytes one element takes.
  public var byteCount: Int {
    switch self {
    case .int64: 8
    case .float32, .int32: 4
    case .float16, .bfloat16: 2
    case .int8, .uint8: 1
    }
  }

  /// The bytes a tensor of this type and shape takes, or nil if there is no such tensor: a negative extent,
  /// or more bytes than an `Int` counts.
  func byteCount(ofShape shape: [Int]) -> Int? {
    var count = byteCount
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow else { return nil }
      count = product
    }
    return count
  }
}

/// A Swift type whose memory is what a file stores.
public protocol StoredElement: BitwiseCopyable {
  /// The type of file this is stored as.
  static var storedType: StoredType { get }
}

extension Float: StoredElement {
  /// Binary32.
  public static var storedType: StoredType { .float32 }
}

extension Int64: StoredElement {
  /// 64 bits.
  public static var storedType: StoredType { .int64 }
}

extension Int32: StoredElement {
  /// 32 bits.
  public static var storedType: StoredType { .int32 }
}

extension Int8: StoredElement {
  /// 8 bits.
  public static var storedType: StoredType { .int8 }
}

extension UInt8: StoredElement {
  /// 8 bits, unsigned.
  public static var storedType: StoredType { .uint8 }
}
