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
  public private(set) var content: Content
  /// When it is made, and what becomes of it when the client does not keep up.
  public let delivery: Delivery
  /// The snapshot that a video begins at; nil begins anew.
  public let snapshot: String?
  /// Whether `end` tells how the stream can be made once more.
  public let wantsLog: Bool
  /// Where the server shall keep what it sends; nil keeps nothing.
  public var record: RecordWish?
  /// Whether others than the client may watch the stream.
  public var isObserved = false

  /// The credit of an `open` that does not name one.
  public static let defaultCredit = 8

  /// Checks a wish; an error names the field.
  public init(
    model: String, seed: UInt64? = nil, credit: Int = OpenRequest.defaultCredit, delivery: Delivery = .plain,
    snapshot: String? = nil, wantsLog: Bool = false, _ content: Content
  ) throws(WireError) {
    try checkName("model", model)
    try checkRange("credit", credit, 1...WireLimits.credit)
    if let snapshot { try checkName("from.snapshot", snapshot) }
    if case .points = content {
      try checkForPoints(delivery, snapshot: snapshot, wantsLog: wantsLog)
    } else if case .video(let wish) = content {
      try checkForVideo(delivery, wish.format.kind)
      if snapshot != nil, wish.image != nil {
        throw .badRequest("image", "a stream from a snapshot has a frame before its first; leave image out")
      }
    }
    self.model = model
    self.seed = seed
    self.credit = credit
    self.content = content
    self.delivery = delivery
    self.snapshot = snapshot
    self.wantsLog = wantsLog
  }

  /// Checks a wish for frames of a video model; an error names the field.
  public init(
    model: String, seed: UInt64? = nil, frames: Int = 0, steps: Int? = nil,
    credit: Int = OpenRequest.defaultCredit, framesPerSecond: Double? = nil, plan: ActionPlan? = nil,
    format: StreamFormat = .plain, image: InitialImage? = nil, delivery: Delivery = .plain,
    snapshot: String? = nil, wantsLog: Bool = false
  ) throws(WireError) {
    let wish = try VideoWish(
      frames: frames, steps: steps, framesPerSecond: framesPerSecond, plan: plan, format: format, image: image
    )
    try self.init(
      model: model, seed: seed, credit: credit, delivery: delivery, snapshot: snapshot, wantsLog: wantsLog,
      .video(wish))
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
      credit: fields.integer("credit") ?? Self.defaultCredit, delivery: Delivery(fields),
      snapshot: readSnapshot(fields), wantsLog: fields.boolean("ctl_log") ?? false, content)
    record = try fields.reader("record").map { reader throws(WireError) in try RecordWish(reader) }
    isObserved = try fields.boolean("observe") ?? false
  }

  /// The wish that makes a video once more: as long, with the seed, the network evaluations and the actions
  /// that it had. It is not recorded or watched once more.
  public func repeated(seed: UInt64, steps: Int, frames: Int, actions: [ActionRun]) throws(WireError)
    -> OpenRequest
  {
    let wish = if case .video(let wish) = content { wish } else { VideoWish.plain }
    return try OpenRequest(
      model: model, seed: seed, frames: frames, steps: steps, credit: credit,
      framesPerSecond: wish.framesPerSecond, plan: actions.isEmpty ? nil : .runs(actions),
      format: wish.format,
      image: wish.image, wantsLog: true)
  }

  func append(to object: inout JSONObject) {
    object.append("model", model)
    object.append("seed", seed.map { JSONValue.integer(Int128($0)) })
    object.append("credit", credit)
    delivery.append(to: &object)
    if let snapshot {
      var from = JSONObject()
      from.append("snapshot", snapshot)
      object.append("from", .object(from))
    }
    if wantsLog { object.append("ctl_log", true) }
    if isObserved { object.append("observe", true) }
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

  /// The same wish without what travels in part 1.
  public var withoutBody: OpenRequest {
    var wish = self
    switch content {
    case .plain: break
    case .video(var video):
      video.image = nil
      wish.content = .video(video)
    case .points(var points):
      points.start = nil
      wish.content = .points(points)
    }
    return wish
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
    "prompt", "prompts", "negative", "conditioning", "size", "window", "sink", "precision",
  ]
  for name in reserved where fields.has(name) {
    throw fields.mismatch(name, "is not offered by this server; leave it out")
  }
}

private func readSnapshot(_ fields: FieldReader) throws(WireError) -> String? {
  guard let from = try fields.reader("from") else { return nil }
  return try from.require("snapshot", from.string("snapshot"))
}

/// Throws if a delivery cannot be had with points, which nobody watches as they come.
private func checkForPoints(_ delivery: Delivery, snapshot: String?, wantsLog: Bool) throws(WireError) {
  guard delivery.policy == .block else {
    throw .badRequest("policy", "points are not dropped; leave policy out")
  }
  guard delivery.pace != .media else {
    throw .badRequest("pace", "points have no time to be shown at; take credit or asap")
  }
  guard snapshot == nil else { throw .badRequest("from", "only video begins at a snapshot; leave from out") }
  guard !wantsLog else {
    throw .badRequest("ctl_log", "seed, nfe and points make points once more; leave ctl_log out")
  }
}

/// Throws if messages of a format cannot be dropped one by one.
private func checkForVideo(_ delivery: Delivery, _ format: StreamFormat.Kind) throws(WireError) {
  guard delivery.policy == .block || format.standsAlone else {
    let kinds = StreamFormat.Kind.allCases.filter(\.standsAlone).map(\.rawValue).joined(separator: ", ")
    throw .badRequest(
      "policy",
      "a stream of \(format.rawValue) cannot do without a message; leave policy out, or take one of \(kinds)")
  }
}
