// SPDX-License-Identifier: Apache-2.0

/// A video has begun; everything that decides its bytes is told.
public struct Opened: Sendable, Equatable {
  /// The name of the session in all later messages.
  public let session: String
  /// Where the stream stands for this client, and what lets it come back.
  public let tenancy: Tenancy
  /// The name of the model.
  public let model: String
  /// SHA-256 of its weights.
  public let modelDigest: String
  /// Pixels in a row of a frame as it is sent.
  public let width: Int
  /// Rows of a frame as it is sent.
  public let height: Int
  /// Frames for playback in `rateDenominator` seconds.
  public let rateNumerator: Int
  /// Seconds in which `rateNumerator` frames are shown.
  public let rateDenominator: Int
  /// The seed in use.
  public let seed: UInt64
  /// Network evaluations a frame.
  public let steps: Int
  /// How many frames will come; 0 until the stream is closed.
  public let frames: Int
  /// The kind of stream.
  public let format: StreamFormat.Kind
  /// The media type of the stream.
  public let mediaType: String

  /// A stream that has begun.
  public init(
    session: String, tenancy: Tenancy, model: String, modelDigest: String, width: Int, height: Int,
    rateNumerator: Int,
    rateDenominator: Int, seed: UInt64, steps: Int, frames: Int, format: StreamFormat.Kind, mediaType: String
  ) {
    self.session = session
    self.tenancy = tenancy
    self.model = model
    self.modelDigest = modelDigest
    self.width = width
    self.height = height
    self.rateNumerator = rateNumerator
    self.rateDenominator = rateDenominator
    self.seed = seed
    self.steps = steps
    self.frames = frames
    self.format = format
    self.mediaType = mediaType
  }

  init(_ fields: FieldReader) throws(WireError) {
    session = try fields.require("sid", fields.string("sid"))
    tenancy = try Tenancy(fields)
    let model = try fields.require("model", fields.reader("model"))
    self.model = try model.require("name", model.string("name"))
    modelDigest = try model.require("sha256", model.string("sha256"))
    width = try fields.require("w", fields.integer("w"))
    height = try fields.require("h", fields.integer("h"))
    (rateNumerator, rateDenominator) = try readFraction("fps", fields)
    seed = try fields.require("seed", fields.unsigned("seed"))
    steps = try fields.require("steps", fields.integer("steps"))
    frames = try fields.require("frames", fields.integer("frames"))
    let kind = try fields.require("format", fields.string("format"))
    format = try fields.require("format", StreamFormat.Kind(rawValue: kind))
    mediaType = try fields.require("mime", fields.string("mime"))
  }

  func append(to object: inout JSONObject) {
    object.append("sid", session)
    object.append("kind", "video")
    var model = JSONObject()
    model.append("name", self.model)
    model.append("sha256", modelDigest)
    object.append("model", .object(model))
    object.append("w", width)
    object.append("h", height)
    object.append("fps", [rateNumerator, rateDenominator])
    object.append("tb", [rateDenominator, rateNumerator])
    object.append("seed", .integer(Int128(seed)))
    object.append("steps", steps)
    object.append("frames", frames)
    object.append("chunk_frames", 1)
    tenancy.append(to: &object)
    object.append("format", format.rawValue)
    object.append("mime", mediaType)
  }
}

/// Reads `[numerator, denominator]`, both positive.
func readFraction(_ name: String, _ fields: FieldReader) throws(WireError) -> (Int, Int) {
  let pair = try fields.require(name, fields.integers(name))
  guard pair.count == 2, pair[0] > 0, pair[1] > 0 else {
    throw fields.mismatch(name, "must be two positive integers")
  }
  return (pair[0], pair[1])
}
