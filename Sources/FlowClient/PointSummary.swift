// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

/// What became of points.
public struct PointSummary: Sendable, Equatable {
  /// The name of the model.
  public let model: String
  /// SHA-256 of the model's weights.
  public let modelDigest: String
  /// The manifold.
  public let geometry: String
  /// The seed that was used.
  public let seed: UInt64
  /// Network evaluations a point.
  public let evaluations: Int
  /// How many points came.
  public let points: Int
  /// Numbers a point.
  public let width: Int
  /// Bytes of the stream.
  public let bytes: Int
  /// Seconds from the answer to the request to the last point.
  public let seconds: Double
  /// Seconds that the server's processor was at them.
  public let generationSeconds: Double
  /// SHA-256 of the stream, compared with the server's.
  public let digest: String
  /// What the output is.
  public let format: PointFormat
  /// Bytes of the output.
  public let fileBytes: Int
  /// Where the output is; nil for standard output.
  public let path: String?
  /// Where the server kept the stream as well, in its folder for recordings; nil if it was not asked to.
  public let recording: String?
  /// Whether the user stopped it before its end.
  public let isInterrupted: Bool

  init(
    _ opened: OpenedPoints, _ end: StreamEnd, format: PointFormat, seconds: Double, generationSeconds: Double,
    fileBytes: Int, path: String?, isInterrupted: Bool
  ) {
    model = opened.model
    modelDigest = opened.modelDigest
    geometry = opened.geometry
    seed = opened.seed
    evaluations = opened.evaluations
    points = end.points ?? 0
    width = opened.coordinates.count
    bytes = end.bytes
    self.seconds = seconds
    self.generationSeconds = generationSeconds
    digest = end.sha256
    self.format = format
    self.fileBytes = fileBytes
    self.path = path
    recording = end.recorded?.path
    self.isInterrupted = isInterrupted
  }

  /// Points a second, from the answer to the request to the last point.
  public var rate: Double { seconds > 0 ? Double(points) / seconds : 0 }

  /// A few lines for a reader.
  public var text: String {
    """
    \(isInterrupted ? "interrupted; " : "")\(points) points of \(geometry) in \(fixed(seconds, digits: 3)) s: \
    \(fixed(rate, digits: 0)) points/s
    model   \(model) \(modelDigest)
    seed    \(seed), \(evaluations) \(evaluations == 1 ? "evaluation" : "evaluations") a point
    stream  \(byteCount(bytes)), sha256 \(digest)
    output  \(path ?? "standard output"), \(format.rawValue), \(byteCount(fileBytes))\
    \(recording.map { "\nrecorded  \($0), on the server" } ?? "")
    """
  }

  /// One JSON object on one line.
  public var json: String {
    var object = JSONObject()
    object.append("model", .string(model))
    object.append("model_sha256", .string(modelDigest))
    object.append("geometry", .string(geometry))
    object.append("seed", .integer(Int128(seed)))
    object.append("nfe", .integer(Int128(evaluations)))
    object.append("points", .integer(Int128(points)))
    object.append("ambient", .integer(Int128(width)))
    object.append("bytes", .integer(Int128(bytes)))
    object.append("seconds", .number(seconds))
    object.append("generation_seconds", .number(generationSeconds))
    object.append("points_per_second", .number(rate))
    object.append("sha256", .string(digest))
    object.append("format", .string(format.rawValue))
    object.append("output", path.map(JSONValue.string) ?? .null)
    object.append("recording", recording.map(JSONValue.string))
    object.append("interrupted", .boolean(isInterrupted))
    return String(decoding: JSONValue.object(object).serialised(), as: UTF8.self)
  }
}
