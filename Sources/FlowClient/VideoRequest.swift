// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

/// A video that is wanted.
public struct VideoRequest: Sendable, Equatable {
  /// How frames are enlarged.
  public enum Filter: String, Sendable, CaseIterable {
    /// Every pixel becomes a square.
    case nearest
    /// Smooth.
    case bicubic
  }

  /// When frames are made.
  public enum Pace: String, Sendable, CaseIterable {
    /// As they are taken.
    case credit
    /// As fast as they can be.
    case asap
    /// As they are due to be shown.
    case media
  }

  /// How long a video is.
  enum Length: Sendable, Equatable {
    case frames(Int)
    /// Seconds of playback; how many frames these are depends on the rate.
    case seconds(Double)
  }

  let model: String
  let length: Length
  let framesPerSecond: Double?
  let seed: UInt64?
  let script: ActionScript?
  let image: [UInt8]?
  let steps: Int?
  let scale: Int
  let filter: Filter
  let crf: Int?
  let gop: Int?
  let format: OutputFormat
  let pace: Pace
  let record: String?
  let isObserved: Bool

  /// How many messages the server may be ahead.
  static let credit = 16

  /// A video of `frames`, of `seconds`, or as long as its script.
  ///
  /// - Parameters:
  ///   - image: a PNG file that the video continues.
  ///   - record: where the server shall keep the stream too, in its folder for recordings.
  ///   - isObserved: whether others may watch it.
  /// - Throws: ``ClientError`` of kind `usage` unless exactly one length is given.
  public init(
    model: String, frames: Int? = nil, seconds: Double? = nil, framesPerSecond: Double? = nil,
    seed: UInt64? = nil, script: ActionScript? = nil, image: [UInt8]? = nil, steps: Int? = nil,
    scale: Int = 1, filter: Filter = .nearest, crf: Int? = nil, gop: Int? = nil, format: OutputFormat,
    pace: Pace = .credit, record: String? = nil, isObserved: Bool = false
  ) throws(ClientError) {
    self.model = model
    self.framesPerSecond = framesPerSecond
    self.seed = seed
    self.script = script
    self.image = image
    self.steps = steps
    self.scale = scale
    self.filter = filter
    self.crf = crf
    self.gop = gop
    self.format = format
    self.pace = pace
    self.record = record
    self.isObserved = isObserved
    length = try chooseLength(frames, seconds, script)
    try check()
  }

  /// Says what is wrong with the rest before a server is asked.
  private func check() throws(ClientError) {
    let header = RequestMessage(id: "1", .open(try wireRequest(frames: 1))).parts()[0]
    guard header.count <= WireLimits.headerBytes else {
      throw ClientError(
        .usage,
        "the actions take \(header.count) bytes; the limit is \(WireLimits.headerBytes), "
          + "and equal actions in a row take the place of one")
    }
  }

  /// What is sent to open the stream.
  func wireRequest(frames: Int) throws(ClientError) -> OpenRequest {
    let picture = try image.map { bytes throws(ClientError) in try describe(bytes) }
    do throws(WireError) {
      var open = try OpenRequest(
        model: model, seed: seed, frames: frames, steps: steps, credit: Self.credit,
        framesPerSecond: framesPerSecond, plan: plan(), format: wireFormat(), image: picture,
        delivery: Delivery(pace: wirePace), wantsLog: true)
      open.record = try record.map { path throws(WireError) in try RecordWish(path: path) }
      open.isObserved = isObserved
      return open
    } catch {
      throw ClientError(.usage, error.message)
    }
  }

  private func plan() throws(WireError) -> ActionPlan? {
    guard let script else { return nil }
    var runs: [ActionRun] = []
    for run in script.compacted.runs { runs.append(try ActionRun(run.action, run.count)) }
    return .runs(runs)
  }

  private var wirePace: Delivery.Pace {
    switch pace {
    case .credit: .credit
    case .asap: .asap
    case .media: .media
    }
  }

  private func wireFormat() throws(WireError) -> StreamFormat {
    let kind: StreamFormat.Kind =
      switch format {
      case .rgb24: .rgb24
      case .y4m: .y4m
      case .mp4: .fmp4
      case .mpegts: .mpegts
      case .png: .png
      }
    return try StreamFormat(
      kind, crf: crf, gop: gop, scale: scale, filter: filter == .nearest ? .nearest : .bicubic)
  }
}

private func chooseLength(
  _ frames: Int?, _ seconds: Double?, _ script: ActionScript?
) throws(ClientError) -> VideoRequest.Length {
  switch (frames, seconds) {
  case (let frames?, nil):
    guard (1...WireLimits.frames).contains(frames) else {
      throw ClientError(.usage, "--frames \(frames) is not within 1…\(WireLimits.frames)")
    }
    return .frames(frames)
  case (nil, let seconds?): return .seconds(seconds)
  case (nil, nil):
    guard let script else {
      throw ClientError(.usage, "how long? add --frames, --seconds, or actions that decide it")
    }
    return .frames(script.frames)
  default: throw ClientError(.usage, "--frames and --seconds exclude each other")
  }
}

private func describe(_ png: [UInt8]) throws(ClientError) -> InitialImage {
  guard let size = PNGSize(png) else {
    throw ClientError(.usage, "the initial image is not a PNG file")
  }
  do throws(WireError) {
    return try InitialImage(.png, width: size.width, height: size.height, bytes: png)
  } catch {
    throw ClientError(.usage, error.message)
  }
}
