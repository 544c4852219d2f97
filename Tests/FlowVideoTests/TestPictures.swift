// SPDX-License-Identifier: Apache-2.0

import FlowVideo

/// The eight corners of the RGB cube at 75 %, which is what colour bars are.
let barColours: [[UInt8]] = (0..<8).map { corner in
  [2, 1, 0].map { corner >> $0 & 1 == 1 ? 191 : 16 }
}

/// Eight vertical bars of equal width.
func colourBars(width: Int = 64, height: Int = 48) -> [UInt8] {
  (0..<height).flatMap { _ in (0..<width).flatMap { barColours[$0 * 8 / width] } }
}

/// Moving texture: every picture differs from the one before.
func texture(_ index: Int, width: Int = 64, height: Int = 48) -> [UInt8] {
  (0..<width * height * 3).map { byte in
    let (x, y) = (byte / 3 % width, byte / 3 / width)
    return UInt8(truncatingIfNeeded: (x + index * 3) * 5 ^ y * 7 &+ byte % 3 * 40)
  }
}

/// All chunks of a stream of pictures.
func encodeAll(_ settings: VideoSettings, _ pictures: [[UInt8]]) throws -> [VideoChunk] {
  var encoder = try VideoEncoder(settings)
  var chunks: [VideoChunk] = []
  for picture in pictures { chunks += try encoder.encode(picture) }
  return try chunks + encoder.finish()
}

extension [VideoChunk] {
  /// The stream.
  var bytes: [UInt8] { flatMap(\.bytes) }
}
