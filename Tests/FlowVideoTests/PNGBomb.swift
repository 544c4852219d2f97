// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A chunk of a PNG file.
func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
  let body = Array(name.utf8) + data
  let table = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
  }
  let sum = ~body.reduce(~0) { sum, byte in sum >> 8 ^ table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] }
  return bigEndian(UInt32(data.count)) + body + bigEndian(sum)
}

private func bigEndian(_ number: UInt32) -> [UInt8] {
  withUnsafeBytes(of: number.bigEndian) { Array($0) }
}

/// A zlib stream that inflates to 2064 bytes for each 13 of its own.
func inflating(periods: Int) -> [UInt8] {
  // The last block, by the fixed codes; the letter A.
  var bits: [UInt8] = [1, 1, 0] + [0, 1, 1, 1, 0, 0, 0, 1]
  // 258 times the letter before.
  for _ in 0..<16 { bits += [1, 1, 0, 0, 0, 1, 0, 1] + [0, 0, 0, 0, 0] }
  let bytes = stride(from: 0, to: bits.count - 7, by: 8).map { start in
    (0..<8).reduce(UInt8(0)) { $0 | bits[start + $1] << UInt8($1) }
  }
  var stream: [UInt8] = [0x78, 1] + bytes[..<2]
  // Eight of these codes are 13 bytes, whatever bit they begin at.
  for _ in 0..<periods { stream += bytes[2..<15] }
  return stream
}

/// The most bytes of memory that the process has had.
func peakMemory() -> Int {
  var usage = rusage()
  getrusage(RUSAGE_SELF, &usage)
  return usage.ru_maxrss * 1024
}
