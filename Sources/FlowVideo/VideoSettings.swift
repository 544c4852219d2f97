// SPDX-License-Identifier: Apache-2.0

/// What a stream of pictures is turned into.
public enum VideoFormat: String, Sendable, CaseIterable {
  /// Bare RGB pictures, three bytes a pixel.
  case rgb24
  /// Bare planar 4:2:0 pictures in limited-range BT.709.
  case yuv420p
  /// YUV4MPEG2: the pictures of `yuv420p` behind a text header, for pipes.
  case y4m
  /// Fragmented MP4 with H.264: one fragment a group of pictures, playable when cut after any of them.
  case fmp4
  /// MPEG transport stream with H.264 and no delay: every picture comes out as it goes in.
  case mpegts
  /// One PNG file a picture.
  case png

  /// The media type of the whole stream, or of one picture of it.
  public var mediaType: String {
    switch self {
    case .rgb24, .yuv420p: "video/raw"
    case .y4m: "video/x-yuv4mpeg"
    case .fmp4: "video/mp4"
    case .mpegts: "video/mp2t"
    case .png: "image/png"
    }
  }

  /// Whether two by two pixels share their colour, which needs even sizes.
  public var isChromaSubsampled: Bool { self != .rgb24 && self != .png }

  /// Whether a codec that has settings of its own makes the stream.
  public var isH264: Bool { self == .fmp4 || self == .mpegts }
}

/// How a picture is enlarged.
public enum ScaleFilter: String, Sendable, CaseIterable {
  /// Every pixel becomes a square of equal pixels.
  case nearest
  /// Smooth, by cubic convolution.
  case bicubic
}

/// Everything that decides the bytes of a stream, checked.
public struct VideoSettings: Sendable, Equatable {
  /// What the pictures become.
  public let format: VideoFormat
  /// Pixels in a row of a picture that goes in.
  public let width: Int
  /// Rows of a picture that goes in.
  public let height: Int
  /// How many times larger a picture comes out, 1…16.
  public let scale: Int
  /// How it is made larger.
  public let filter: ScaleFilter
  /// How fast the pictures are shown.
  public let rate: FrameRate
  /// H.264's constant rate factor, 0 (lossless) … 51.
  public let crf: Int
  /// The most pictures from one key picture to the next.
  public let gop: Int
  /// Written into the container as its comment, where it has one.
  public let comment: String?

  /// The most pixels that a row or a column may have when it comes out.
  public static let largestSide = 8192

  /// Checks the settings of a stream.
  ///
  /// - Parameters:
  ///   - gop: nil takes the pictures of one second.
  /// - Throws: ``VideoError`` with code `bad_size` or `bad_setting`, naming the setting.
  public init(
    format: VideoFormat, width: Int, height: Int, rate: FrameRate, scale: Int = 1,
    filter: ScaleFilter = .nearest, crf: Int = 18, gop: Int? = nil, comment: String? = nil
  ) throws(VideoError) {
    try check("scale", scale, 1...16)
    try check("width", width, 1...Self.largestSide / scale, .badSize)
    try check("height", height, 1...Self.largestSide / scale, .badSize)
    try check("crf", crf, 0...51)
    try check("gop", gop ?? 1, 1...1000)
    self.format = format
    self.width = width
    self.height = height
    self.scale = scale
    self.filter = filter
    self.rate = rate
    self.crf = crf
    self.gop = gop ?? rate.rounded
    self.comment = comment
    try checkChroma()
  }

  /// Pixels in a row of a picture that comes out.
  public var outputWidth: Int { width * scale }
  /// Rows of a picture that comes out.
  public var outputHeight: Int { height * scale }
  /// Bytes of a picture that goes in.
  public var inputBytes: Int { width * height * 3 }

  private func checkChroma() throws(VideoError) {
    guard format.isChromaSubsampled, outputWidth % 2 != 0 || outputHeight % 2 != 0 else { return }
    throw VideoError(
      code: .badSize, operation: "size",
      message: "\(format.rawValue) shares colour between two by two pixels and cannot be "
        + "\(outputWidth)×\(outputHeight); take an even scale, or the format rgb24 or png")
  }
}

/// Throws unless `value` is one of `allowed`.
private func check(
  _ name: String, _ value: Int, _ allowed: ClosedRange<Int>, _ code: VideoError.Code = .badSetting
) throws(VideoError) {
  guard !allowed.contains(value) else { return }
  throw VideoError(
    code: code, operation: name,
    message: "\(value) is not within \(allowed.lowerBound)…\(allowed.upperBound)")
}
