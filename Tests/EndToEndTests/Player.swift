// SPDX-License-Identifier: Apache-2.0

import FlowTestSupport
import Testing

/// What ffprobe finds in a file when it decodes every frame of it.
struct Probe {
  private let fields: [String: String]

  /// Decodes a file; a test fails if anything in it is damaged.
  init(_ path: String) throws {
    let entries =
      "stream=codec_name,width,height,r_frame_rate,color_range,color_space,"
      + "color_transfer,color_primaries,nb_read_frames"
    let ending = try Child(
      "/usr/bin/ffprobe",
      ["-v", "error", "-count_frames", "-show_entries", entries, "-of", "default=noprint_wrappers=1", path]
    ).end()
    try #require(ending.status == 0 && ending.errors.isEmpty, "\(ending.errors)")
    let pairs = ending.text.split(separator: "\n").map { $0.split(separator: "=").map(String.init) }
    fields = Dictionary(pairs.map { ($0[0], $0.last ?? "") }) { first, _ in first }
  }

  /// A field by ffprobe's name.
  subscript(name: String) -> String? { fields[name] }

  /// The frames that could be decoded.
  var frames: Int { fields["nb_read_frames"].flatMap { Int($0) } ?? 0 }

  /// The four tags that say what the colours mean.
  var colours: [String?] {
    ["color_range", "color_space", "color_transfer", "color_primaries"].map { fields[$0] }
  }
}

/// The pixels that a player shows, RGB, one frame after the other, of a video that was enlarged `scale` times: one from
/// the middle of each square, where no other colour is near.
func play(_ path: String, width: Int, height: Int, scale: Int) throws -> [UInt8] {
  let options = "-sws_flags bilinear+accurate_rnd+full_chroma_int -pix_fmt rgb24 -f rawvideo -"
  let ending = try Child(
    "/usr/bin/ffmpeg", ["-v", "error", "-i", path] + options.split(separator: " ").map(String.init)
  ).end()
  try #require(ending.status == 0, "\(ending.errors)")
  let frame = width * height * scale * scale
  return stride(from: 0, to: ending.output.count / 3, by: frame).flatMap { first in
    (0..<width * height).flatMap { pixel in
      let (row, column) = (pixel / width * scale + scale / 2, pixel % width * scale + scale / 2)
      let place = first + row * width * scale + column
      return ending.output[3 * place..<3 * place + 3]
    }
  }
}
