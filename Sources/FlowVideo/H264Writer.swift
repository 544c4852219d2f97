// SPDX-License-Identifier: Apache-2.0

internal import CFFmpeg

/// H.264 by libx264 in fragmented MP4 or in an MPEG transport stream.
final class H264Writer: FrameWriter {
  private let codec: CodecContext
  private let muxer: Muxer
  private let packet: Packet
  private let isFragmented: Bool
  private var nextFrame = 0
  /// Pictures given to the muxer and not yet in a chunk.
  private var pending = 0

  init(_ settings: VideoSettings) throws(VideoError) {
    isFragmented = settings.format == .fmp4
    codec = try CodecContext(encoder: "libx264")
    try configure(codec, settings)
    try codec.open()
    muxer = try Muxer(isFragmented ? "mp4" : "mpegts", codec: codec, comment: settings.comment)
    packet = try Packet()
  }

  func begin() throws(VideoError) -> [VideoChunk] {
    let flags = "frag_keyframe+empty_moov+default_base_moof"
    return chunks(try muxer.writeHeader(isFragmented ? ["movflags": flags] : [:]), isKey: false)
  }

  func write(_ picture: borrowing Picture) throws(VideoError) -> [VideoChunk] {
    // The encoder chooses the type of each picture.
    picture.frame.pointee.pict_type = AV_PICTURE_TYPE_NONE
    try codec.send(picture.frame)
    return try drain()
  }

  func finish() throws(VideoError) -> [VideoChunk] {
    try codec.send(nil)
    return try drain() + chunks(try muxer.writeTrailer(), isKey: isFragmented)
  }

  private func drain() throws(VideoError) -> [VideoChunk] {
    var ready: [VideoChunk] = []
    while try codec.receive(packet) {
      let isKey = packet.isKey
      packet.pointer.pointee.duration = 1
      let bytes = try muxer.write(packet, timeBase: codec.pointer.pointee.time_base)
      // A fragment comes out when the key picture after it goes in; a transport packet at once.
      if !isFragmented { pending += 1 }
      ready += chunks(bytes, isKey: isFragmented || isKey)
      if isFragmented { pending += 1 }
    }
    return ready
  }

  private func chunks(_ bytes: [UInt8], isKey: Bool) -> [VideoChunk] {
    guard !bytes.isEmpty else { return [] }
    defer {
      nextFrame += pending
      pending = 0
    }
    return [
      VideoChunk(bytes: bytes, firstFrame: nextFrame, frames: pending, isKey: isKey && pending > 0)
    ]
  }
}

/// Sets everything that decides the coded bytes, and all four colour tags.
private func configure(
  _ codec: borrowing CodecContext, _ settings: VideoSettings
) throws(VideoError) {
  let context = codec.pointer
  context.pointee.width = Int32(settings.outputWidth)
  context.pointee.height = Int32(settings.outputHeight)
  context.pointee.pix_fmt = AV_PIX_FMT_YUV420P
  context.pointee.time_base = settings.rate.timeBase
  context.pointee.framerate = settings.rate.rational
  context.pointee.sample_aspect_ratio = AVRational(num: 1, den: 1)
  context.pointee.gop_size = Int32(settings.gop)
  // No B pictures: the order of coding is the order of showing, and the first time stamp is zero.
  context.pointee.max_b_frames = 0
  context.pointee.colorspace = AVCOL_SPC_BT709
  context.pointee.color_primaries = AVCOL_PRI_BT709
  context.pointee.color_trc = AVCOL_TRC_BT709
  context.pointee.color_range = AVCOL_RANGE_MPEG
  context.pointee.chroma_sample_location = AVCHROMA_LOC_LEFT
  try codec.setPrivate("preset", "veryfast")
  try codec.setPrivate("crf", "\(settings.crf)")
  if settings.format == .fmp4 {
    // MP4 keeps the parameter sets in its header; a transport stream repeats them at key pictures.
    context.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER
  } else {
    try codec.setPrivate("tune", "zerolatency")
  }
}
