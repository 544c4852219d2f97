// SPDX-License-Identifier: Apache-2.0

internal import CFFmpeg

/// The sole owner of an `AVCodecContext`, of an encoder or of a decoder.
struct CodecContext: ~Copyable {
  let pointer: UnsafeMutablePointer<AVCodecContext>

  /// A context for the encoder called `name`.
  init(encoder name: String) throws(VideoError) {
    let codec = try avAllocate("encoder \(name)") { avcodec_find_encoder_by_name(name) }
    pointer = try avAllocate("avcodec_alloc_context3") { avcodec_alloc_context3(codec) }
    // One thread, so that the same pictures give the same bytes.
    pointer.pointee.thread_count = 1
  }

  /// A context for the decoder called `name`.
  init(decoder name: String) throws(VideoError) {
    let codec = try avAllocate("decoder \(name)") { avcodec_find_decoder_by_name(name) }
    pointer = try avAllocate("avcodec_alloc_context3") { avcodec_alloc_context3(codec) }
    pointer.pointee.thread_count = 1
  }

  deinit {
    var owned: UnsafeMutablePointer<AVCodecContext>? = pointer
    avcodec_free_context(&owned)
  }

  /// Sets an option of the codec itself.
  func setPrivate(_ option: String, _ value: String) throws(VideoError) {
    let options = pointer.pointee.priv_data
    try avCall("\(option)=\(value)") { av_opt_set(options, option, value, 0) }
  }

  /// Ends the settings: from here on the codec works.
  func open() throws(VideoError) {
    let pointer = pointer
    try avCall("avcodec_open2") { avcodec_open2(pointer, nil, nil) }
  }

  /// Hands a picture to an encoder, or with nil asks for what it still holds.
  func send(_ frame: UnsafeMutablePointer<AVFrame>?) throws(VideoError) {
    let pointer = pointer
    try avCall("avcodec_send_frame") { avcodec_send_frame(pointer, frame) }
  }

  /// Takes a finished packet of an encoder; false when there is none.
  func receive(_ packet: borrowing Packet) throws(VideoError) -> Bool {
    let pointer = pointer
    return try avReceive("avcodec_receive_packet") { [packet = packet.pointer] in
      avcodec_receive_packet(pointer, packet)
    }
  }
}

/// The sole owner of an `AVPacket`.
struct Packet: ~Copyable {
  let pointer: UnsafeMutablePointer<AVPacket>

  init() throws(VideoError) {
    pointer = try avAllocate("av_packet_alloc") { av_packet_alloc() }
  }

  deinit {
    var owned: UnsafeMutablePointer<AVPacket>? = pointer
    av_packet_free(&owned)
  }

  var isKey: Bool { pointer.pointee.flags & AV_PKT_FLAG_KEY != 0 }

  /// A copy of the packet's bytes.
  var bytes: [UInt8] {
    Array(UnsafeBufferPointer(start: pointer.pointee.data, count: Int(pointer.pointee.size)))
  }
}
