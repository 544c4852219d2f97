// SPDX-License-Identifier: Apache-2.0

/// A wish for a stream: of which model, and what of it.
public struct OpenRequest: Sendable, Equatable {
  /// What is wanted, which depends on the kind of model.
  public enum Content: Sendable, Equatable {
    /// Whatever the model makes when nothing is said.
    case plain
    /// Frames of a video model.
    case video(VideoWish)
    /// Points of a flow map on a manifold.
    case points(PointsWish)
  }

  /// The name of the model.
  public let model: String
  /// Decides everything random; nil lets the server choose one, which `opened` tells.
  public let seed: UInt64?
  /// How many messages the server may send before more credit is given, 1…1024.
  public let credit: Int
  /// What is wanted of the model.
  public let content: Content
  /// Where the server shall keep what it sends; nil keeps nothing.
  public var record: RecordWish?

  /// The credit of an `open` that does not name one.
  public static let defaultCredit = 8

  /// Checks a wish; an error names the field.
  public init(
    model: String, seed: UInt64? = nil, credit: Int = OpenRequest.defaultCredit, _ content: Content
  ) throws(WireError) {
    try checkName("model", model)
    try checkRange("credit", credit, 1...WireLimits.credit)
    self.model = model
    self.seed = seed
    self.credit = credit
    self.content = content
  }

  /// Checks a wish for frames of a video model; an error names the field.
  public init(
    model: String, seed: UInt64? = nil, frames: Int = 0, steps: Int? = nil,
    credit: Int = OpenRequest.defaultCredit, framesPerSecond: Double? = nil, plan: ActionPlan? = nil,
    format: StreamFormat = .plain, image: InitialImage? = nil
  ) throws(WireError) {
    let wish = try VideoWish(
      frames: frames, steps: steps, framesPerSecond: framesPerSecond, plan: plan, format: format, image: image
    )
    try self.init(model: model, seed: seed, credit: credit, .video(wish))
  }

  init(_ fields: FieldReader, body: [UInt8]?) throws(WireError) {
    try checkNotReserved(fields)
    let content: Content =
      switch try kind(fields) {
      case .video?: .video(try VideoWish(fields, body: body))
      case .points?: .points(try PointsWish(fields, body: body))
      case nil where body != nil:
        throw .badRequest(
          "image", "part 1 came without a description; add image {encoding, w, h} or start {dtype, shape}")
      case nil: .plain
      }
    try self.init(
      model: fields.require("model", fields.string("model")), seed: fields.unsigned("seed"),
      credit: fields.integer("credit") ?? Self.defaultCredit, content)
    record = try fields.reader("record").map { reader throws(WireError) in try RecordWish(reader) }
  }

  func append(to object: inout JSONObject) {
    object.append("model", model)
    object.append("seed", seed.map { JSONValue.integer(Int128($0)) })
    object.append("credit", credit)
    object.append("record", (record?.json).map(JSONValue.object))
    switch content {
    case .plain: break
    case .video(let wish): wish.append(to: &object)
    case .points(let wish): wish.append(to: &object)
    }
  }

  /// Part 1, where there is one.
  var body: [UInt8]? {
    switch content {
    case .plain: nil
    case .video(let wish): wish.image?.bytes
    case .points(let wish): wish.start?.bytes
    }
  }

  /// How many frames or points are wanted; 0 goes on until the stream is closed.
  public var total: Int {
    switch content {
    case .plain: 0
    case .video(let wish): wish.frames
    case .points(let wish): wish.points
    }
  }
}

private enum ContentKind { case video, points }

/// What the fields of a request are about; nil if none of them is about video or points alone.
private func kind(_ fields: FieldReader) throws(WireError) -> ContentKind? {
  var video = VideoWish.fields.first(where: fields.has)
  var points = PointsWish.fields.first(where: fields.has)
  if video == nil, points == nil, let format = try fields.reader("format") {
    if try format.string("kind") == PointsWish.format { points = "format" } else { video = "format" }
  }
  if let video, let points {
    throw .badRequest(
      points, "\(points) is for manifolds and \(video) for video models; leave out what is not of your model")
  }
  return video != nil ? .video : points != nil ? .points : nil
}

/// Fields that the protocol names and this version does not serve: to ignore them would surprise the client.
private func checkNotReserved(_ fields: FieldReader) throws(WireError) {
  let reserved = [
    "prompt", "prompts", "negative", "conditioning", "size", "window", "sink", "precision", "resume",
    "from", "ctl_log",
  ]
  for name in reserved where fields.has(name) {
    throw fields.mismatch(name, "is not offered by this server; leave it out")
  }
  for (name, only) in [("policy", "block"), ("pace", "credit")] {
    guard let value = try fields.string(name), value != only else { continue }
    throw fields.mismatch(name, "\"\(value)\" is not offered by this server; leave it out or say \"\(only)\"")
  }
}
