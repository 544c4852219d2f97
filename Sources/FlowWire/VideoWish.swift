// SPDX-License-Identifier: Apache-2.0

/// What is wanted of a video model: how long, how steered, in which format.
public struct VideoWish: Sendable, Equatable {
  /// How many frames; 0 goes on until the stream is closed.
  public let frames: Int
  /// Network evaluations a frame; nil takes the model's default.
  public let steps: Int?
  /// Frames a second for playback; nil takes the model's rate.
  public let framesPerSecond: Double?
  /// The actions from frame 0 on; nil takes the model's default action.
  public let plan: ActionPlan?
  /// What the frames are turned into.
  public let format: StreamFormat
  /// The picture that the stream continues; nil lets the model choose by the seed.
  public internal(set) var image: InitialImage?

  /// The fields of an `open` that only a video model understands.
  static let fields = ["frames", "steps", "fps", "action", "actions", "image"]

  /// Frames without end, as the model makes them.
  public static let plain = VideoWish()

  private init() {
    (frames, steps, framesPerSecond, plan, format, image) = (0, nil, nil, nil, .plain, nil)
  }

  /// Checks a wish; an error names the field.
  public init(
    frames: Int = 0, steps: Int? = nil, framesPerSecond: Double? = nil, plan: ActionPlan? = nil,
    format: StreamFormat = .plain, image: InitialImage? = nil
  ) throws(WireError) {
    try checkRange("frames", frames, 0...WireLimits.frames)
    if let steps { try checkRange("steps", steps, 1...1000) }
    if let framesPerSecond { try checkRange("fps", framesPerSecond, 0.01...1000) }
    self.frames = frames
    self.steps = steps
    self.framesPerSecond = framesPerSecond
    self.plan = plan
    self.format = format
    self.image = image
  }

  init(_ fields: FieldReader, body: [UInt8]?) throws(WireError) {
    var image: InitialImage?
    if let description = try fields.reader("image") {
      image = try InitialImage(description, body: body)
    } else if body != nil {
      throw .badRequest("image", "part 1 came without a description; add image {encoding, w, h}")
    }
    var format = StreamFormat.plain
    if let description = try fields.reader("format") { format = try StreamFormat(description) }
    try self.init(
      frames: fields.integer("frames") ?? 0, steps: fields.integer("steps"),
      framesPerSecond: fields.number("fps"), plan: ActionPlan(fields), format: format, image: image)
  }

  func append(to object: inout JSONObject) {
    object.append("frames", frames)
    object.append("steps", steps)
    object.append("fps", framesPerSecond)
    plan?.append(to: &object)
    object.append("format", .object(format.json))
    object.append("image", (image?.json).map(JSONValue.object))
  }
}
