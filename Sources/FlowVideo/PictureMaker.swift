// SPDX-License-Identifier: Apache-2.0

internal import CFFmpeg

/// Turns the RGB bytes that come in into the picture that a writer takes.
///
/// Nearest enlargement is done here on RGB, exactly; everything else in one pass of swscale.
struct PictureMaker: ~Copyable {
  private let input: Picture
  private let output: Picture
  private let converter: PictureConverter
  private let isConverting: Bool
  private let replication: Int

  init(_ settings: VideoSettings) throws(VideoError) {
    let isNearest = settings.filter == .nearest
    let replication = isNearest ? settings.scale : 1
    let input = try Picture.make(
      format: AV_PIX_FMT_RGB24, width: settings.width * replication,
      height: settings.height * replication)
    let output = try Picture.make(
      format: settings.format.isChromaSubsampled ? AV_PIX_FMT_YUV420P : AV_PIX_FMT_RGB24,
      width: settings.outputWidth, height: settings.outputHeight)
    converter = try PictureConverter.make(from: input, to: output)
    isConverting = settings.format.isChromaSubsampled || (!isNearest && settings.scale > 1)
    self.replication = replication
    self.input = input
    self.output = output
  }

  /// The picture of `rgb`, numbered `index`, valid until the next call.
  func with<Result>(
    rgb: UnsafeRawBufferPointer, index: Int,
    _ body: (borrowing Picture) throws(VideoError) -> Result
  ) throws(VideoError) -> Result {
    // A codec may keep the pixels of the last call by reference.
    try input.makeWritable()
    input.fill(rgb: rgb, scale: replication)
    if isConverting {
      try output.makeWritable()
      try converter.convert(input, into: output)
      output.frame.pointee.pts = Int64(index)
      return try body(output)
    }
    input.frame.pointee.pts = Int64(index)
    return try body(input)
  }
}
