// SPDX-License-Identifier: Apache-2.0

internal import CFFmpeg

/// The sole owner of an `AVFrame`.
struct Picture: ~Copyable {
  let frame: UnsafeMutablePointer<AVFrame>

  /// A picture without pixels, for a decoder to fill.
  init() throws(VideoError) {
    frame = try avAllocate("av_frame_alloc") { av_frame_alloc() }
  }

  /// A picture with room for its pixels, tagged as BT.709 if it is not RGB.
  static func make(
    format: AVPixelFormat, width: Int, height: Int
  ) throws(VideoError) -> Picture {
    let picture = try Picture()
    let frame = picture.frame
    frame.pointee.format = format.rawValue
    frame.pointee.width = Int32(width)
    frame.pointee.height = Int32(height)
    if format == AV_PIX_FMT_YUV420P {
      frame.pointee.colorspace = AVCOL_SPC_BT709
      frame.pointee.color_primaries = AVCOL_PRI_BT709
      frame.pointee.color_trc = AVCOL_TRC_BT709
      frame.pointee.color_range = AVCOL_RANGE_MPEG
      frame.pointee.chroma_location = AVCHROMA_LOC_LEFT
    }
    try avCall("av_frame_get_buffer") { av_frame_get_buffer(frame, 0) }
    return picture
  }

  deinit {
    var owned: UnsafeMutablePointer<AVFrame>? = frame
    av_frame_free(&owned)
  }

  var width: Int { Int(frame.pointee.width) }
  var height: Int { Int(frame.pointee.height) }
  var format: AVPixelFormat { AVPixelFormat(rawValue: frame.pointee.format) }

  /// Makes the pixels ours to write, copying them if an encoder still holds them.
  func makeWritable() throws(VideoError) {
    let frame = frame
    try avCall("av_frame_make_writable") { av_frame_make_writable(frame) }
  }

  /// All planes, rows from top to bottom, without padding.
  func packedBytes() throws(VideoError) -> [UInt8] {
    let count = try avCall("av_image_get_buffer_size") {
      av_image_get_buffer_size(format, Int32(width), Int32(height), 1)
    }
    var bytes = [UInt8](repeating: 0, count: Int(count))
    try avCall("av_image_copy_to_buffer") {
      withPlanes { planes, strides in
        av_image_copy_to_buffer(&bytes, count, planes, strides, format, Int32(width), Int32(height), 1)
      }
    }
    return bytes
  }

  /// Fills an RGB picture from bytes without padding, enlarging each pixel to `scale` by `scale`.
  func fill(rgb: UnsafeRawBufferPointer, scale: Int) {
    guard let plane = frame.pointee.data.0, let source = rgb.baseAddress else { return }
    let stride = Int(frame.pointee.linesize.0)
    let inputRow = width / scale * 3
    for row in 0..<height {
      let line = plane + row * stride
      if row % scale != 0 {
        line.update(from: line - stride, count: width * 3)
      } else if scale == 1 {
        UnsafeMutableRawPointer(line).copyMemory(from: source + row * inputRow, byteCount: inputRow)
      } else {
        repeatPixels(from: source + row / scale * inputRow, count: width / scale, scale, into: line)
      }
    }
  }

  /// Lends the plane pointers and strides in the form that swscale and imgutils take.
  func withPlanes<Result>(
    _ body: (UnsafePointer<UnsafePointer<UInt8>?>, UnsafePointer<Int32>) -> Result
  ) -> Result {
    let data = frame.pointee.data
    let strides = frame.pointee.linesize
    return withUnsafeBytes(of: data) { planes in
      withUnsafeBytes(of: strides) { lines in
        // Both are C arrays of 8, imported as tuples; the first element starts the array.
        body(
          planes.assumingMemoryBound(to: UnsafePointer<UInt8>?.self).baseAddress.unsafelyUnwrapped,
          lines.assumingMemoryBound(to: Int32.self).baseAddress.unsafelyUnwrapped)
      }
    }
  }
}

/// Writes each of `count` pixels `scale` times.
private func repeatPixels(
  from source: UnsafeRawPointer, count: Int, _ scale: Int, into line: UnsafeMutablePointer<UInt8>
) {
  let pixels = source.assumingMemoryBound(to: UInt8.self)
  var target = line
  for pixel in 0..<count {
    for _ in 0..<scale {
      target.update(from: pixels + pixel * 3, count: 3)
      target += 3
    }
  }
}
