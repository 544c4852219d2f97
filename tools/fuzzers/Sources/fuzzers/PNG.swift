// SPDX-License-Identifier: Apache-2.0

internal import FlowVideo

/// A PNG file after a byte that says whether its checksums are mended: without that, hardly an input gets past them.
let pngTarget = Target("png", seeds: pngSeeds) { bytes in
  guard let first = bytes.first else { return }
  let file = Array(bytes.dropFirst())
  do throws(VideoError) {
    let picture = try StillImage(png: first & 1 == 1 ? mended(file) : file, largestSide: 256)
    expect(picture.rgb.count == picture.width * picture.height * 3, "a picture has its pixels")
    let again = try StillImage(png: picture.png())
    expect(again == picture, "a picture that is written is read as the same")
  } catch {
    expect(error.code == .badImage || error.code == .badSize, "\(error) blames the image")
    expect(!error.message.isEmpty, "an error has a message")
  }
}

/// The file with the checksums that its chunks should have.
private func mended(_ file: [UInt8]) -> [UInt8] {
  var file = file, place = 8
  while place + 12 <= file.count {
    let length = file[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
    guard length <= file.count - place - 12 else { break }
    let end = place + 8 + length
    let sum = checksum(file[place + 4..<end])
    for byte in 0..<4 { file[end + byte] = UInt8(truncatingIfNeeded: sum >> (24 - 8 * byte)) }
    place = end + 4
  }
  return file
}

/// CRC-32 of a chunk's name and data.
private func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
  ~bytes.reduce(~0) { sum, byte in sum >> 8 ^ checksumTable[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] }
}

private let checksumTable: [UInt32] = (0..<256).map { index in
  (0..<8).reduce(UInt32(index)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
}

/// An RGB file by our own encoder, and headers of the other colour types around the same data.
@Sendable private func pngSeeds() throws -> [[UInt8]] {
  let rgb = (0..<8 * 8 * 3).map { UInt8(truncatingIfNeeded: $0 &* 37) }
  let file = try StillImage(width: 8, height: 8, rgb: rgb).png()
  let types: [(depth: UInt8, colour: UInt8)] = [
    (8, 2), (1, 0), (8, 0), (16, 0), (8, 3), (8, 4), (16, 4), (8, 6), (16, 6), (16, 2),
  ]
  let palette = [0, 0, 0, 6] + Array("PLTE".utf8) + [1, 2, 3, 4, 5, 6] + [0, 0, 0, 0] as [UInt8]
  let text = [0, 0, 0, 5] + Array("tEXt".utf8) + [65, 0, 66, 67, 68] + [0, 0, 0, 0] as [UInt8]
  return types.map { type in
    var file = file
    (file[24], file[25]) = (type.depth, type.colour)
    if type.colour == 3 { file.insert(contentsOf: palette + text, at: 33) }
    return [1] + file
  } + [[0] + file]
}
