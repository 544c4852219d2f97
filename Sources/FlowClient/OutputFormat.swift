// SPDX-License-Identifier: Apache-2.0

/// What the client can ask the server to make of the frames.
public enum OutputFormat: String, Sendable, CaseIterable {
  /// Bare RGB pictures, three bytes a pixel.
  case rgb24
  /// YUV4MPEG2, for pipes into players and encoders.
  case y4m
  /// H.264 in fragmented MP4.
  case mp4
  /// H.264 in an MPEG transport stream.
  case mpegts
  /// One PNG file a frame.
  case png

  /// The format that an output path's extension stands for; nil for `-` and for unknown ones.
  public init?(path: String) {
    let name = path.split(separator: "/").last ?? ""
    guard let dot = name.lastIndex(of: ".") else { return nil }
    switch name[name.index(after: dot)...].lowercased() {
    case "mp4", "m4v": self = .mp4
    case "ts": self = .mpegts
    case "y4m": self = .y4m
    case "rgb": self = .rgb24
    case "png": self = .png
    default: return nil
    }
  }
}

/// Where the bytes go and what they are.
public struct OutputTarget: Sendable, Equatable {
  /// The kinds of place.
  public enum Place: Sendable, Equatable {
    /// Standard output.
    case standardOutput
    /// One file.
    case file(String)
    /// One file a frame; the number goes where the pattern has `%d` or `%06d`.
    case sequence(FramePattern)
  }

  /// Where the bytes go.
  public let place: Place
  /// What they are.
  public let format: OutputFormat

  /// Understands `-o PATH` and `--format`, either of which may decide the format.
  ///
  /// - Throws: ``ClientError`` of kind `usage` when they leave it open or contradict each other.
  public init(path: String, format: OutputFormat?) throws(ClientError) {
    guard let format = format ?? OutputFormat(path: path) else {
      throw ClientError(
        .usage,
        "\"\(path)\" does not say which format is wanted; add --format rgb24, y4m, mp4, mpegts or png")
    }
    self.format = format
    place = try choosePlace(path, format)
  }
}

private func choosePlace(
  _ path: String, _ format: OutputFormat
) throws(ClientError) -> OutputTarget.Place {
  switch (path, format) {
  case ("-", .png): throw ClientError(.usage, "PNG files need names, as in -o frame-%06d.png")
  case ("-", _): return .standardOutput
  case (_, .png): return .sequence(try FramePattern(path))
  default: return .file(path)
  }
}

/// A path with one place for the number of a frame, such as `frame-%06d.png`.
public struct FramePattern: Sendable, Equatable {
  private let before: String
  private let after: String
  private let digits: Int

  /// Finds the `%d` or `%0Nd`, N at most 9.
  ///
  /// - Throws: ``ClientError`` of kind `usage` unless there is exactly one.
  public init(_ pattern: String) throws(ClientError) {
    let wrong = ClientError(
      .usage, "\"\(pattern)\" needs one place for the number of the frame, as in frame-%06d.png")
    let parts = pattern.split(separator: "%", omittingEmptySubsequences: false)
    guard parts.count == 2, let end = parts[1].firstIndex(of: "d") else { throw wrong }
    let width = parts[1][..<end]
    guard width.isEmpty || (width.count == 2 && width.first == "0") else { throw wrong }
    guard let digits = width.isEmpty ? 1 : Int(width) else { throw wrong }
    before = String(parts[0])
    after = String(parts[1][parts[1].index(after: end)...])
    self.digits = digits
  }

  /// The path of frame `number`.
  public func path(_ number: Int) -> String {
    let text = String(number)
    return before + String(repeating: "0", count: max(0, digits - text.count)) + text + after
  }
}
