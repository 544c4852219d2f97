// SPDX-License-Identifier: Apache-2.0

internal import CFFmpeg

/// An RGB picture, rows from top to bottom, three bytes a pixel, no padding.
public struct StillImage: Sendable, Equatable {
  /// Pixels in a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// `height · width · 3` bytes.
  public let rgb: [UInt8]

  /// A picture of `rgb`, whose count must be `height · width · 3`.
  ///
  /// - Throws: ``VideoError`` with code `bad_size`.
  public init(width: Int, height: Int, rgb: [UInt8]) throws(VideoError) {
    let sides = 1...VideoSettings.largestSide
    guard sides.contains(width), sides.contains(height), rgb.count == width * height * 3 else {
      throw VideoError(
        code: .badSize, operation: "image",
        message: "\(rgb.count) bytes are not \(width)×\(height) RGB pixels of at most "
          + "\(sides.upperBound) a side")
    }
    self.width = width
    self.height = height
    self.rgb = rgb
  }

  /// The picture as a PNG file.
  public func png() throws(VideoError) -> [UInt8] {
    let settings = try VideoSettings(format: .png, width: width, height: height, rate: FrameRate(1))
    var encoder = try VideoEncoder(settings)
    return try encoder.encode(rgb).flatMap(\.bytes) + encoder.finish().flatMap(\.bytes)
  }

  /// Decodes a PNG file; grey, palette, transparent and 16-bit ones become plain RGB.
  ///
  /// - Parameters:
  ///   - largestSide: the most pixels a row or a column may have.
  /// - Throws: ``VideoError`` with code `bad_image` if the bytes are not a whole PNG file, `bad_size`
  ///   if the picture is larger than allowed.
  public init(png bytes: [UInt8], largestSide: Int = 4096) throws(VideoError) {
    let header = try PNGHeader(bytes)
    guard (1...largestSide).contains(header.width), (1...largestSide).contains(header.height) else {
      throw VideoError(
        code: .badSize, operation: "image",
        message: "\(header.width)×\(header.height) is not within 1…\(largestSide) pixels a side")
    }
    let decoded = try decodePNG(header.essential)
    let plain = try Picture.make(format: AV_PIX_FMT_RGB24, width: decoded.width, height: decoded.height)
    try PictureConverter.make(from: decoded, to: plain).convert(decoded, into: plain)
    try self.init(width: plain.width, height: plain.height, rgb: plain.packedBytes())
  }
}

/// Decodes a file whose outer structure has been checked.
private func decodePNG(_ bytes: [UInt8]) throws(VideoError) -> Picture {
  let codec = try CodecContext(decoder: "png")
  codec.pointer.pointee.err_recognition = AV_EF_CRCCHECK | AV_EF_EXPLODE
  try codec.open()
  let packet = try Packet()
  let data = packet.pointer
  try avCall("av_new_packet") { av_new_packet(data, Int32(bytes.count)) }
  data.pointee.data.update(from: bytes, count: bytes.count)
  let picture = try Picture()
  do throws(VideoError) {
    let (context, frame) = (codec.pointer, picture.frame)
    try avCall("png") { avcodec_send_packet(context, data) }
    try avCall("png") { avcodec_receive_frame(context, frame) }
  } catch {
    throw error.recoded(.badImage)
  }
  return picture
}
