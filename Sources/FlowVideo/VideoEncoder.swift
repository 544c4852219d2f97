// SPDX-License-Identifier: Apache-2.0

/// Turns RGB pictures of one size into the bytes of one stream.
///
/// The same settings and pictures give the same bytes. Not for two threads at once, but any thread may
/// own it: neither FFmpeg's contexts nor the writer care which one calls.
public struct VideoEncoder: ~Copyable, @unchecked Sendable {
  // Unchecked: the writer and the pictures are reachable only through this sole owner.

  /// What the stream is.
  public let settings: VideoSettings
  /// Pictures taken so far.
  public private(set) var framesEncoded = 0
  private let pictures: PictureMaker
  private let writer: any FrameWriter
  private var hasBegun = false
  private var hasFinished = false

  /// Opens the codec and the container.
  ///
  /// - Throws: ``VideoError`` with code `library_failed` if FFmpeg was built without one of them.
  public init(_ settings: VideoSettings) throws(VideoError) {
    let writer = try makeWriter(settings)
    pictures = try PictureMaker(settings)
    self.writer = writer
    self.settings = settings
  }

  /// Takes the next picture: rows from top to bottom, three bytes a pixel, no padding.
  ///
  /// - Returns: the chunks that are ready now; none, one or several, the header before the first.
  /// - Throws: ``VideoError`` with code `bad_size` if `rgb` is not one picture of the settings' size.
  public mutating func encode(_ rgb: UnsafeRawBufferPointer) throws(VideoError) -> [VideoChunk] {
    precondition(!hasFinished, "VideoEncoder: encode after finish")
    try checkCount(rgb.count)
    var chunks = try begin()
    let writer = writer
    chunks += try pictures.with(rgb: rgb, index: framesEncoded) { picture throws(VideoError) in
      try writer.write(picture)
    }
    framesEncoded += 1
    return chunks
  }

  /// Takes the next picture: rows from top to bottom, three bytes a pixel, no padding.
  public mutating func encode(_ rgb: [UInt8]) throws(VideoError) -> [VideoChunk] {
    try checkCount(rgb.count)
    let outcome: Result<[VideoChunk], VideoError> = rgb.withUnsafeBytes { bytes in
      do throws(VideoError) { return .success(try encode(bytes)) } catch { return .failure(error) }
    }
    return try outcome.get()
  }

  /// Ends the stream and returns its last chunks; a second call returns none.
  public mutating func finish() throws(VideoError) -> [VideoChunk] {
    guard !hasFinished else { return [] }
    let header = try begin()
    hasFinished = true
    return header + (try writer.finish())
  }

  private mutating func begin() throws(VideoError) -> [VideoChunk] {
    guard !hasBegun else { return [] }
    hasBegun = true
    return try writer.begin()
  }

  private func checkCount(_ count: Int) throws(VideoError) {
    guard count != settings.inputBytes else { return }
    throw VideoError(
      code: .badSize, operation: "frame",
      message: "\(count) bytes are not \(settings.width)×\(settings.height) RGB pixels")
  }
}

private func makeWriter(_ settings: VideoSettings) throws(VideoError) -> any FrameWriter {
  switch settings.format {
  case .rgb24, .yuv420p: RawWriter()
  case .y4m: Y4MWriter(settings)
  case .fmp4, .mpegts: try H264Writer(settings)
  case .png: try PNGWriter(width: settings.outputWidth, height: settings.outputHeight)
  }
}
