// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A chunk of a PNG file.
func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
  let body = Array(name.utf8) + data
  return bigEndian(UInt32(data.count)) + body + bigEndian(checksum(body))
}

/// CRC-32, bit by bit for each of the 256 bytes that there are.
private func checksum(_ bytes: [UInt8]) -> UInt32 {
  var table = [UInt32](0..<256)
  for index in table.indices {
    for _ in 0..<8 {
      table[index] = table[index] & 1 == 1 ? table[index] >> 1 ^ 0xEDB8_8320 : table[index] >> 1
    }
  }
  var sum = UInt32.max
  for byte in bytes { sum = sum >> 8 ^ table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] }
  return ~sum
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
  var bytes = [UInt8](repeating: 0, count: bits.count / 8)
  for (place, bit) in bits.prefix(8 * bytes.count).enumerated() { bytes[place / 8] |= bit << (place % 8) }
  var stream: [UInt8] = [0x78, 1] + bytes[..<2]
  // Eight of these codes are 13 bytes, whatever bit they begin at.
  for _ in 0..<periods { stream += bytes[2..<15] }
  return stream
}

/// The most bytes of memory that the process has had.
func peakMemory() -> Int {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return usage.ru_maxrss * 1024
}
