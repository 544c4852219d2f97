// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Testing

@Suite("Conversions")
struct ConversionTests {
  @Test("bytes become numbers and numbers the same bytes", arguments: awkwardLengths)
  func bytes(count: Int) {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37) }
    let x = bytes.withUnsafeBufferPointer { Tensor(bytes: $0, scale: 1 / 127.5, shift: -1, shape: [count]) }
    expectClose(x, bytes.map { Double($0) / 127.5 - 1 }, tolerance: 1e-6)
    #expect(x.bytes(scale: 127.5, shift: 127.5) == bytes)
  }

  @Test("numbers are rounded to the nearest byte and clamped; NaN becomes 0")
  func clamp() {
    let x = Tensor([-1e30, -0.6, -0.4, 0.4, 0.6, 1.5, 254.4, 254.6, 256, 1e30, .infinity, -.infinity, .nan])
    #expect(x.bytes(scale: 1, shift: 0) == [0, 0, 0, 0, 1, 2, 254, 255, 255, 255, 255, 0, 0])
  }

  /// Bits of a float32, bits of its rounding.
  static let roundings: [(UInt32, UInt16)] = [
    (0x0000_0000, 0x0000), (0x8000_0000, 0x8000), (0x3F80_0000, 0x3F80),
    // Below, at and above the middle; ties go to the even neighbour.
    (0x3F80_7FFF, 0x3F80), (0x3F80_8000, 0x3F80), (0x3F80_8001, 0x3F81), (0x3F81_8000, 0x3F82),
    (0xBF81_8000, 0xBF82),
    // A carry into the exponent; beyond the largest number.
    (0x3FFF_8000, 0x4000), (0x7F7F_FFFF, 0x7F80), (0x7F7F_7FFF, 0x7F7F),
    // Subnormals, infinities, and NaN whose payload lies in the lost half alone.
    (0x0000_0001, 0x0000), (0x0000_8001, 0x0001), (0x7F80_0000, 0x7F80), (0xFF80_0000, 0xFF80),
    (0x7F80_0001, 0x7FC0), (0xFFFF_FFFF, 0xFFFF), (0x7FC0_0000, 0x7FC0),
  ]

  @Test(
    "bfloat16 rounds to nearest, ties to even; infinities and NaN stay what they are", arguments: roundings)
  func bfloat16(example: (UInt32, UInt16)) {
    // In the first lanes and in the tail of a vector.
    let x = Tensor([Float](repeating: Float(bitPattern: example.0), count: 21))
    #expect(x.bfloat16 == [UInt16](repeating: example.1, count: 21))
    #expect(x.roundedToBFloat16.elements.allSatisfy { $0.bitPattern == UInt32(example.1) << 16 })
  }

  @Test("every bfloat16 widens exactly and rounds to itself")
  func widening() {
    let all = (0...UInt16.max).map { $0 }
    let wide = all.withUnsafeBufferPointer { Tensor(bfloat16: $0, shape: [all.count]) }
    #expect(zip(wide.elements, all).allSatisfy { $0.bitPattern == UInt32($1) << 16 })
    let isSignalling = { (bits: UInt16) in bits & 0x7F80 == 0x7F80 && bits & 0x7F != 0 && bits & 0x40 == 0 }
    #expect(zip(wide.bfloat16, all).allSatisfy { $0 == $1 || isSignalling($1) && $0 == $1 | 0x40 })
    #expect(Tensor.zeros([0]).bfloat16.isEmpty)
  }
}
