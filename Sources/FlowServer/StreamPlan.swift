// SPDX-License-Identifier: Apache-2.0

internal import FlowGeneration
internal import FlowVideo
internal import FlowWire

/// A wish for frames checked against the model that it names: nothing in it can be wrong any more, except
/// the bytes of a PNG image.
struct StreamPlan {
  let model: VideoModelDescription
  let seed: UInt64
  let steps: Int
  let frames: Int
  let format: StreamFormat.Kind
  let settings: VideoSettings
  var image: InitialImage?
  let schedule: ActionSchedule
  /// The most messages that the client may be owed: what it does not read is kept, so that a bare
  /// frame's size bounds how many there may be. The router's own bound on bytes is for all its streams.
  let creditLimit: Int

  /// The most bytes of bare frames that may wait for a client.
  private static let bytesInFlight = 256 << 20

  /// Checks a request.
  ///
  /// - Parameters:
  ///   - seed: taken where the request has none.
  /// - Throws: an error that names the field.
  init(
    _ request: OpenRequest, _ wish: VideoWish, model: VideoModelDescription, seed: UInt64
  ) throws(WireError) {
    self.model = model
    self.seed = request.seed ?? seed
    steps = wish.steps ?? model.defaultSteps
    guard (1...model.maximumSteps).contains(steps) else {
      throw .badRequest(
        "steps", "steps is \(steps); the model \(model.name) takes 1 to \(model.maximumSteps)")
    }
    frames = wish.frames
    format = wish.format.kind
    image = try checkedImage(wish.image, model)
    settings = try makeSettings(wish, model, seed: self.seed)
    var schedule = ActionSchedule(defaultAction: model.defaultAction)
    if let plan = wish.plan { try schedule.apply(plan, of: model, from: 0, control: nil) }
    self.schedule = schedule
    let frameBytes = settings.outputWidth * settings.outputHeight * 3
    creditLimit = max(1, min(WireLimits.credit, Self.bytesInFlight / frameBytes))
    guard request.credit <= creditLimit else {
      throw .badRequest(
        "credit",
        "credit is \(request.credit); frames of \(settings.outputWidth)×\(settings.outputHeight) "
          + "allow \(creditLimit) at a time")
    }
  }

  /// What keeps frames from being made too early, at the pace "media".
  func playback(_ delivery: Delivery) -> PlaybackClock? {
    guard delivery.pace == .media else { return nil }
    let rate = Double(settings.rate.numerator) / Double(settings.rate.denominator)
    return PlaybackClock(rate: rate, ahead: .milliseconds(delivery.aheadMilliseconds))
  }
}

extension ActionSchedule {
  /// Takes the actions of a plan from `frame` on; an unknown name is an error that lists the known ones.
  mutating func apply(
    _ plan: ActionPlan, of model: VideoModelDescription, from frame: Int, control: Int?
  ) throws(WireError) {
    guard hasRoom(for: plan.segments, from: frame) else {
      throw .badRequest(
        plan.field,
        "a stream's plan may change at \(Self.maximumSegments) frames ahead; "
          + "send less of it, or later, when frames have been generated")
    }
    switch plan {
    case .hold(let name):
      hold(try actionIndex(name, model, field: plan.field), from: frame, control: control)
    case .runs(let list):
      var runs: [(action: Int, count: Int)] = []
      for run in list { runs.append((try actionIndex(run.name, model, field: plan.field), run.count)) }
      self.run(runs, from: frame, control: control)
    }
  }
}

extension ActionPlan {
  /// How many segments of a schedule it takes: each run, and the default action after them.
  fileprivate var segments: Int {
    switch self {
    case .hold: 1
    case .runs(let runs): runs.count + 1
    }
  }
}

private func actionIndex(
  _ name: String, _ model: VideoModelDescription, field: String
) throws(WireError) -> Int {
  guard let index = model.actions.firstIndex(of: name) else {
    let known = model.actions.joined(separator: ", ")
    throw .badRequest(field, "the model \(model.name) has no action \"\(name)\"; take one of \(known)")
  }
  return index
}

private func checkedImage(
  _ image: InitialImage?, _ model: VideoModelDescription
) throws(WireError) -> InitialImage? {
  guard let image else { return nil }
  guard image.width == model.width, image.height == model.height else {
    throw .badRequest(
      "image",
      "the image is \(image.width)×\(image.height); the model \(model.name) continues one of "
        + "\(model.width)×\(model.height)")
  }
  return image
}

private func makeSettings(
  _ wish: VideoWish, _ model: VideoModelDescription, seed: UInt64
) throws(WireError) -> VideoSettings {
  let format = wish.format
  do throws(VideoError) {
    return try VideoSettings(
      format: format.kind.encoded, width: model.width, height: model.height,
      rate: FrameRate(nearest: wish.framesPerSecond ?? model.framesPerSecond), scale: format.scale,
      filter: format.filter == .nearest ? .nearest : .bicubic, crf: format.crf ?? 18, gop: format.gop,
      comment: "flowd: model \(model.name) \(model.sha256), seed \(seed)")
  } catch {
    throw .badRequest(error.operation == "fps" ? "fps" : "format", error.description)
  }
}

extension StreamFormat.Kind {
  /// The encoder's word for the same kind.
  var encoded: VideoFormat {
    switch self {
    case .rgb24: .rgb24
    case .yuv420p: .yuv420p
    case .y4m: .y4m
    case .fmp4: .fmp4
    case .mpegts: .mpegts
    case .png: .png
    }
  }
}
