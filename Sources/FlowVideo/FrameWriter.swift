// SPDX-License-Identifier: Apache-2.0

internal import CFFmpeg

/// Makes the bytes of one format out of converted pictures. Used by one ``VideoEncoder`` only.
protocol FrameWriter: AnyObject {
  /// The chunks before the first picture.
  func begin() throws(VideoError) -> [VideoChunk]
  /// Takes the next picture, whose `pts` is its index; returns what is ready.
  func write(_ picture: borrowing Picture) throws(VideoError) -> [VideoChunk]
  /// Returns everything still held back and whatever ends the stream.
  func finish() throws(VideoError) -> [VideoChunk]
}

extension FrameWriter {
  func begin() throws(VideoError) -> [VideoChunk] { [] }
  func finish() throws(VideoError) -> [VideoChunk] { [] }
}

/// Bare pictures: rgb24 and yuv420p.
final class RawWriter: FrameWriter {
  func write(_ picture: borrowing Picture) throws(VideoError) -> [VideoChunk] {
    [singleFrame(try picture.packedBytes(), picture)]
  }
}

/// YUV4MPEG2. The format has no field for the matrix; BT.709 limited range is our convention.
final class Y4MWriter: FrameWriter {
  private let header: String

  init(_ settings: VideoSettings) {
    header =
      "YUV4MPEG2 W\(settings.outputWidth) H\(settings.outputHeight)"
      + " F\(settings.rate.numerator):\(settings.rate.denominator)"
      + " Ip A1:1 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=LIMITED\n"
  }

  func begin() throws(VideoError) -> [VideoChunk] {
    [VideoChunk(bytes: Array(header.utf8), firstFrame: 0, frames: 0, isKey: false)]
  }

  func write(_ picture: borrowing Picture) throws(VideoError) -> [VideoChunk] {
    [singleFrame(Array("FRAME\n".utf8) + (try picture.packedBytes()), picture)]
  }
}

/// One PNG a picture.
final class PNGWriter: FrameWriter {
  private let codec: CodecContext
  private let packet: Packet

  init(width: Int, height: Int) throws(VideoError) {
    codec = try CodecContext(encoder: "png")
    codec.pointer.pointee.width = Int32(width)
    codec.pointer.pointee.height = Int32(height)
    codec.pointer.pointee.pix_fmt = AV_PIX_FMT_RGB24
    codec.pointer.pointee.time_base = AVRational(num: 1, den: 1)
    try codec.open()
    packet = try Packet()
  }

  func write(_ picture: borrowing Picture) throws(VideoError) -> [VideoChunk] {
    try codec.send(picture.frame)
    guard try codec.receive(packet) else { return [] }
    return [singleFrame(packet.bytes, picture)]
  }
}

/// A chunk that is one whole picture.
private func singleFrame(_ bytes: [UInt8], _ picture: borrowing Picture) -> VideoChunk {
  VideoChunk(bytes: bytes, firstFrame: Int(picture.frame.pointee.pts), frames: 1, isKey: true)
}
