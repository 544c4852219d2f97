// SPDX-License-Identifier: Apache-2.0

/// The size of a PNG file, read before anything is allocated for its pixels, and the chunks that decide them.
struct PNGHeader {
  let width: Int
  let height: Int
  /// The file without the chunks that say nothing of pixels: the text and the profile in them inflate without bound.
  let essential: [UInt8]

  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  /// A signature, a header chunk of 13 bytes, and the empty last chunk.
  private static let fewestBytes = 8 + (12 + 13) + 12
  private static let mostBytes = 64 << 20
  private static let essentialChunks: Set = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"]

  /// Checks that the chunks lead from IHDR to IEND without leaving the file.
  init(_ bytes: [UInt8]) throws(VideoError) {
    guard bytes.count >= Self.fewestBytes, bytes.count <= Self.mostBytes,
      bytes.starts(with: Self.signature), name(bytes, 12) == "IHDR"
    else { throw Self.failure("not a PNG file of at most \(Self.mostBytes >> 20) MiB") }
    width = number(bytes, 16)
    height = number(bytes, 20)
    var place = Self.signature.count, kept = Self.signature
    while place + 12 <= bytes.count {
      let length = number(bytes, place), name = name(bytes, place + 4)
      guard length <= bytes.count - place - 12 else { break }
      if Self.essentialChunks.contains(name) { kept += bytes[place..<place + 12 + length] }
      if name == "IEND" {
        essential = kept
        return
      }
      place += 12 + length
    }
    throw Self.failure("the PNG file ends before its last chunk; send the whole file")
  }

  private static func failure(_ message: String) -> VideoError {
    VideoError(code: .badImage, operation: "image", message: message)
  }
}

/// The big-endian 32-bit number at `place`.
private func number(_ bytes: [UInt8], _ place: Int) -> Int {
  bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
}

/// The name of a chunk at `place`.
private func name(_ bytes: [UInt8], _ place: Int) -> String {
  String(decoding: bytes[place..<place + 4], as: UTF8.self)
}
