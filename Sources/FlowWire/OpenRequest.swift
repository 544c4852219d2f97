// SPDX-License-Identifier: Apache-2.0

/// A wish for a stream: which model, how long, in which format.
public struct OpenRequest: Sendable, Equatable {
  /// The name of the model.
  public let model: String
  /// Decides everything random; nil lets the server choose one, which `opened` tells.
  public let seed: UInt64?
  /// How many frames; 0 goes on until the stream is closed.
  public let frames: Int
  /// Network evaluations a frame; nil takes the model's default.
  public let steps: Int?
  /// How many messages the server may send before more credit is given, 1…1024.
  public let credit: Int
  /// Frames a second for playback; nil takes the model's rate.
  public let framesPerSecond: Double?
  /// The actions from frame 0 on; nil takes the model's default action.
  public let plan: ActionPlan?
  /// What the frames are turned into.
  public let format: StreamFormat
  /// The picture that the stream continues; nil lets the model choose by the seed.
  public let image: InitialImage?

  /// The credit of an `open` that does not name one.
  public static let defaultCredit = 8

  /// Checks a wish; an error names the field.
  public init(
    model: String, seed: UInt64? = nil, frames: Int = 0, steps: Int? = nil,
    credit: Int = OpenRequest.defaultCredit, framesPerSecond: Double? = nil, plan: ActionPlan? = nil,
    format: StreamFormat = .plain, image: InitialImage? = nil
  ) throws(WireError) {
    try checkName("model", model)
    try checkRange("frames", frames, 0...WireLimits.frames)
    if let steps { try checkRange("steps", steps, 1...1000) }
    try checkRange("credit", credit, 1...WireLimits.credit)
    if let framesPerSecond { try checkRange("fps", framesPerSecond, 0.01...1000) }
    self.model = model
    self.seed = seed
    self.frames = frames
    self.steps = steps
    self.credit = credit
    self.framesPerSecond = framesPerSecond
    self.plan = plan
    self.format = format
    self.image = image
  }

  init(_ fields: FieldReader, body: [UInt8]?) throws(WireError) {
    try checkNotReserved(fields)
    var image: InitialImage?
    if let description = try fields.reader("image") {
      image = try InitialImage(description, body: body)
    } else if body != nil {
      throw .badRequest("image", "part 1 came without a description; add image {encoding, w, h}")
    }
    var format = StreamFormat.plain
    if let description = try fields.reader("format") { format = try StreamFormat(description) }
    try self.init(
      model: fields.require("model", fields.string("model")), seed: fields.unsigned("seed"),
      frames: fields.integer("frames") ?? 0, steps: fields.integer("steps"),
      credit: fields.integer("credit") ?? Self.defaultCredit, framesPerSecond: fields.number("fps"),
      plan: ActionPlan(fields), format: format, image: image)
  }

  func append(to object: inout JSONObject) {
    object.append("model", model)
    object.append("seed", seed.map { JSONValue.integer(Int128($0)) })
    object.append("frames", frames)
    object.append("steps", steps)
    object.append("credit", credit)
    object.append("fps", framesPerSecond)
    plan?.append(to: &object)
    object.append("format", .object(format.json))
    object.append("image", (image?.json).map(JSONValue.object))
  }
}

/// Fields that the protocol names and this version does not serve: to ignore them would surprise the client.
private func checkNotReserved(_ fields: FieldReader) throws(WireError) {
  let reserved = [
    "prompt", "prompts", "negative", "conditioning", "size", "window", "sink", "precision", "record",
    "resume",
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
