// SPDX-License-Identifier: Apache-2.0

internal import CFFmpeg
internal import FoundationEssentials

/// What a player would see of a stream: its tags, and every picture as RGB.
///
/// Reads with libav directly, so that nothing of FlowVideo checks itself.
struct DecodedVideo {
  var codec = ""
  var width = 0
  var height = 0
  var matrix = ""
  var primaries = ""
  var transfer = ""
  var range = ""
  var rate = (0, 0)
  /// Time stamps in units of `timeBase`.
  var times: [Int] = []
  var timeBase = (0, 0)
  var pictures: [[UInt8]] = []

  struct Failure: Error { let call: String }

  init(_ bytes: [UInt8], suffix: String) throws {
    let path = FileManager.default.temporaryDirectory
      .appending(component: "flow-video-\(UUID().uuidString).\(suffix)")
    try Data(bytes).write(to: path)
    defer { try? FileManager.default.removeItem(at: path) }
    var format: UnsafeMutablePointer<AVFormatContext>?
    try check("open") { avformat_open_input(&format, path.path, nil, nil) }
    defer { avformat_close_input(&format) }
    let input = format!
    try check("stream info") { avformat_find_stream_info(input, nil) }
    try decode(input, input.pointee.streams[0]!)
  }

  private mutating func decode(
    _ format: UnsafeMutablePointer<AVFormatContext>, _ stream: UnsafeMutablePointer<AVStream>
  ) throws {
    let parameters = stream.pointee.codecpar!
    var context = avcodec_alloc_context3(avcodec_find_decoder(parameters.pointee.codec_id))
    defer { avcodec_free_context(&context) }
    try check("parameters") { avcodec_parameters_to_context(context, parameters) }
    try check("open decoder") { avcodec_open2(context, nil, nil) }
    describe(stream, parameters.pointee)
    var packet = av_packet_alloc()
    defer { av_packet_free(&packet) }
    while av_read_frame(format, packet) >= 0 {
      try check("send") { avcodec_send_packet(context, packet) }
      av_packet_unref(packet)
      try receive(context)
    }
    try check("flush") { avcodec_send_packet(context, nil) }
    try receive(context)
  }

  private mutating func describe(
    _ stream: UnsafeMutablePointer<AVStream>, _ parameters: AVCodecParameters
  ) {
    codec = String(cString: avcodec_get_name(parameters.codec_id))
    width = Int(parameters.width)
    height = Int(parameters.height)
    matrix = av_color_space_name(parameters.color_space).map { String(cString: $0) } ?? ""
    primaries = av_color_primaries_name(parameters.color_primaries).map { String(cString: $0) } ?? ""
    transfer = av_color_transfer_name(parameters.color_trc).map { String(cString: $0) } ?? ""
    range = av_color_range_name(parameters.color_range).map { String(cString: $0) } ?? ""
    rate = (Int(stream.pointee.r_frame_rate.num), Int(stream.pointee.r_frame_rate.den))
    timeBase = (Int(stream.pointee.time_base.num), Int(stream.pointee.time_base.den))
  }

  private mutating func receive(_ context: UnsafeMutablePointer<AVCodecContext>?) throws {
    var frame = av_frame_alloc()
    defer { av_frame_free(&frame) }
    while avcodec_receive_frame(context, frame) >= 0 {
      times.append(Int(frame!.pointee.pts))
      pictures.append(try rgb(frame!))
    }
  }

  /// Converts with BT.709, as a player does that honours the tags.
  private func rgb(_ frame: UnsafeMutablePointer<AVFrame>) throws -> [UInt8] {
    let (width, height) = (frame.pointee.width, frame.pointee.height)
    let flags = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT
    let scaler = sws_getContext(
      width, height, AVPixelFormat(rawValue: frame.pointee.format), width, height,
      AV_PIX_FMT_RGB24, flags, nil, nil, nil)
    defer { sws_freeContext(scaler) }
    let coefficients = sws_getCoefficients(SWS_CS_ITU709)
    sws_setColorspaceDetails(scaler, coefficients, 0, coefficients, 1, 0, 1 << 16, 1 << 16)
    var target = av_frame_alloc()
    defer { av_frame_free(&target) }
    target!.pointee.format = AV_PIX_FMT_RGB24.rawValue
    target!.pointee.width = width
    target!.pointee.height = height
    try check("buffer") { av_frame_get_buffer(target, 0) }
    try check("convert") { sws_scale_frame(scaler, target, frame) }
    let line = Int(width) * 3
    return (0..<Int(height)).flatMap { row in
      let start = target!.pointee.data.0! + row * Int(target!.pointee.linesize.0)
      return Array(UnsafeBufferPointer(start: start, count: line))
    }
  }

  private func check(_ call: String, _ body: () -> Int32) throws {
    guard body() >= 0 else { throw Failure(call: call) }
  }
}
