// SPDX-License-Identifier: Apache-2.0

internal import CFFmpeg

/// The sole owner of an output `AVFormatContext` with one video stream, writing into memory.
struct Muxer: ~Copyable {
  private let context: UnsafeMutablePointer<AVFormatContext>
  private let stream: UnsafeMutablePointer<AVStream>
  private let output: MemoryOutput

  /// A container called `name` for what `codec`, which is open, makes.
  init(_ name: String, codec: borrowing CodecContext, comment: String?) throws(VideoError) {
    let output = try MemoryOutput()
    let owner = try FormatContext(name)
    let format = owner.pointer
    format.pointee.pb = output.context
    format.pointee.flags |= AVFMT_FLAG_BITEXACT
    if let comment { av_dict_set(&format.pointee.metadata, "comment", comment, 0) }
    let stream = try avAllocate("avformat_new_stream") { avformat_new_stream(format, nil) }
    stream.pointee.time_base = codec.pointer.pointee.time_base
    stream.pointee.avg_frame_rate = codec.pointer.pointee.framerate
    try avCall("avcodec_parameters_from_context") { [codec = codec.pointer] in
      avcodec_parameters_from_context(stream.pointee.codecpar, codec)
    }
    self.output = output
    self.stream = stream
    context = owner.release()
  }

  deinit { avformat_free_context(context) }

  /// Begins the container; returns the bytes that come before the first picture.
  func writeHeader(_ options: [String: String]) throws(VideoError) -> [UInt8] {
    let context = context
    var dictionary: OpaquePointer?
    defer { av_dict_free(&dictionary) }
    for (name, value) in options { av_dict_set(&dictionary, name, value, 0) }
    try avCall("avformat_write_header") { avformat_write_header(context, &dictionary) }
    return output.take()
  }

  /// Adds one packet whose times count in `timeBase`; returns the bytes that are ready now.
  func write(_ packet: borrowing Packet, timeBase: AVRational) throws(VideoError) -> [UInt8] {
    let context = context
    av_packet_rescale_ts(packet.pointer, timeBase, stream.pointee.time_base)
    try avCall("av_write_frame") { [packet = packet.pointer] in av_write_frame(context, packet) }
    return output.take()
  }

  /// Ends the container; returns its last bytes.
  func writeTrailer() throws(VideoError) -> [UInt8] {
    let context = context
    try avCall("av_write_trailer") { av_write_trailer(context) }
    return output.take()
  }
}

/// Frees an `AVFormatContext` unless it is released to another owner.
private struct FormatContext: ~Copyable {
  let pointer: UnsafeMutablePointer<AVFormatContext>

  init(_ name: String) throws(VideoError) {
    var made: UnsafeMutablePointer<AVFormatContext>?
    try avCall("container \(name)") { avformat_alloc_output_context2(&made, nil, name, nil) }
    pointer = try avAllocate("container \(name)") { made }
  }

  consuming func release() -> UnsafeMutablePointer<AVFormatContext> {
    let released = pointer
    discard self
    return released
  }

  deinit { avformat_free_context(pointer) }
}
