// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

/// What became of a video.
public struct StreamSummary: Sendable, Equatable {
  /// The name of the model.
  public let model: String
  /// SHA-256 of the model's weights.
  public let modelDigest: String
  /// The seed that was used.
  public let seed: UInt64
  /// Network evaluations a frame.
  public let steps: Int
  /// Pixels in a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Frames for playback in `rateDenominator` seconds.
  public let rateNumerator: Int
  /// Seconds in which `rateNumerator` frames are shown.
  public let rateDenominator: Int
  /// What the bytes are.
  public let format: OutputFormat
  /// Frames in the output.
  public let frames: Int
  /// Bytes of the output.
  public let bytes: Int
  /// Seconds from the answer to the request to the end.
  public let seconds: Double
  /// SHA-256 of the output, compared with the server's.
  public let digest: String
  /// The actions that the frames were made with, which make them once more with the seed; nil if the server does not say.
  public let actions: [ActionScript.Run]?
  /// Where the output is; nil for standard output.
  public let path: String?
  /// Where the server kept the stream as well, in its folder for recordings; nil if it was not asked to.
  public let recording: String?
  /// Whether the user stopped it before its end.
  public let isInterrupted: Bool
  /// What makes the stream once more; nil if the server does not say.
  private let wish: OpenRequest?

  init(
    _ wish: OpenRequest, _ opened: Opened, _ end: StreamEnd, format: OutputFormat, seconds: Double,
    path: String?,
    isInterrupted: Bool
  ) {
    model = opened.model
    modelDigest = opened.modelDigest
    seed = opened.seed
    steps = opened.steps
    width = opened.width
    height = opened.height
    rateNumerator = opened.rateNumerator
    rateDenominator = opened.rateDenominator
    self.format = format
    frames = end.frames
    bytes = end.bytes
    self.seconds = seconds
    digest = end.sha256
    actions = end.log?.map { ActionScript.Run(action: $0.name, count: $0.count) }
    self.path = path
    recording = end.recorded?.path
    self.isInterrupted = isInterrupted
    self.wish = end.log.flatMap { log in
      try? wish.repeated(seed: opened.seed, steps: opened.steps, frames: end.frames, actions: log)
    }
  }

  /// Frames a second, from the answer to the request to the end.
  public var rate: Double { seconds > 0 ? Double(frames) / seconds : 0 }

  /// A few lines for a reader.
  public var text: String {
    let playback = rateDenominator == 1 ? "\(rateNumerator)" : "\(rateNumerator)/\(rateDenominator)"
    return """
      \(isInterrupted ? "interrupted; " : "")\(frames) frames of \(width)×\(height) in \
      \(fixed(seconds, digits: 2)) s: \(fixed(rate)) frames/s
      model   \(model) \(modelDigest)
      seed    \(seed), \(steps) \(steps == 1 ? "step" : "steps") a frame
      stream  \(format.rawValue) at \(playback) frames/s, \(byteCount(bytes)), sha256 \(digest)
      output  \(path ?? "standard output")\(recording.map { "\nrecorded  \($0), on the server" } ?? "")
      """
  }

  /// One JSON object on one line.
  public var json: String {
    var object = JSONObject()
    object.append("model", .string(model))
    object.append("model_sha256", .string(modelDigest))
    object.append("seed", .integer(Int128(seed)))
    object.append("steps", .integer(Int128(steps)))
    object.append("width", .integer(Int128(width)))
    object.append("height", .integer(Int128(height)))
    object.append("fps", .array([rateNumerator, rateDenominator].map { .integer(Int128($0)) }))
    object.append("format", .string(format.rawValue))
    object.append("frames", .integer(Int128(frames)))
    object.append("bytes", .integer(Int128(bytes)))
    object.append("seconds", .number(seconds))
    object.append("frames_per_second", .number(rate))
    object.append("sha256", .string(digest))
    let runs = actions?.map { JSONValue.array([.string($0.action), .integer(Int128($0.count))]) }
    object.append("actions", runs.map(JSONValue.array))
    object.append("output", path.map(JSONValue.string) ?? .null)
    object.append("recording", recording.map(JSONValue.string))
    object.append("interrupted", .boolean(isInterrupted))
    object.append("open", wish.map { .object(RequestMessage(.open($0)).header) })
    return String(decoding: JSONValue.object(object).serialised(), as: UTF8.self)
  }
}
