// SPDX-License-Identifier: Apache-2.0

internal import CFFmpeg

/// The sole owner of a swscale context: from one size and pixel format to another, through BT.709.
struct PictureConverter: ~Copyable {
  private let context: OpaquePointer

  /// RGB is full range and 4:2:0 limited range; colour samples sit left, as in MPEG-2 and H.264.
  static func make(
    from source: borrowing Picture, to target: borrowing Picture
  ) throws(VideoError) -> PictureConverter {
    let converter = try PictureConverter()
    try converter.set(source, target)
    try avCall("sws_init_context") { [context = converter.context] in
      sws_init_context(context, nil, nil)
    }
    try converter.setMatrix(isTargetFull: target.format != AV_PIX_FMT_YUV420P)
    return converter
  }

  private init() throws(VideoError) {
    context = try avAllocate("sws_alloc_context") { sws_alloc_context() }
  }

  deinit { sws_freeContext(context) }

  /// Converts every row of `source` into `target`.
  func convert(_ source: borrowing Picture, into target: borrowing Picture) throws(VideoError) {
    let context = context
    try avCall("sws_scale_frame") { [source = source.frame, target = target.frame] in
      sws_scale_frame(context, target, source)
    }
  }

  private func set(_ source: borrowing Picture, _ target: borrowing Picture) throws(VideoError) {
    let flags =
      SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP | SWS_FULL_CHR_H_INT | SWS_BITEXACT
    try set("srcw", source.width)
    try set("srch", source.height)
    try set("src_format", Int(source.format.rawValue))
    try set("dstw", target.width)
    try set("dsth", target.height)
    try set("dst_format", Int(target.format.rawValue))
    try set("sws_flags", Int(flags))
    if target.format == AV_PIX_FMT_YUV420P {
      try set("dst_h_chr_pos", 0)
      try set("dst_v_chr_pos", 128)
    }
  }

  private func set(_ option: String, _ value: Int) throws(VideoError) {
    let object = UnsafeMutableRawPointer(context)
    try avCall("swscale \(option)") { av_opt_set_int(object, option, Int64(value), 0) }
  }

  private func setMatrix(isTargetFull: Bool) throws(VideoError) {
    let context = context
    let coefficients = sws_getCoefficients(SWS_CS_ITU709)
    try avCall("sws_setColorspaceDetails") {
      sws_setColorspaceDetails(
        context, coefficients, 1, coefficients, isTargetFull ? 1 : 0, 0, 1 << 16, 1 << 16)
    }
  }
}
