// SPDX-License-Identifier: Apache-2.0

/// The size that a PNG file says it has; the pixels are the server's to decode.
struct PNGSize: Equatable {
  let width: Int
  let height: Int

  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Reads the first chunk, which holds width and height as big-endian numbers of four bytes.
  init?(_ bytes: [UInt8]) {
    let header = Self.signature + [0, 0, 0, 13] + Array("IHDR".utf8)
    guard bytes.count >= header.count + 8, bytes.starts(with: header) else { return nil }
    width = bytes[16..<20].reduce(0) { $0 << 8 | Int($1) }
    height = bytes[20..<24].reduce(0) { $0 << 8 | Int($1) }
  }
}
