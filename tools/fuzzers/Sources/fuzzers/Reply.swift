// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

/// What a server may send as a header.
let replyTarget = Target("reply", seeds: { replySeeds.map { $0.header() } }) { bytes in
  let message: ReplyMessage
  do throws(WireError) {
    message = try ReplyMessage(header: bytes)
  } catch {
    expect(WireError.Code.httpStatus[error.code] != nil, "the code \(error.code.rawValue) is of the list")
    return expect(!error.message.isEmpty, "an error has a message")
  }
  expect((try? ReplyMessage(header: message.header())) == message, "a reply is read as it was written")
}

/// Replies of every kind.
let replySeeds: [ReplyMessage] = {
  let limits = ServerLimits(sessions: 2, idleMilliseconds: 60_000)
  let video = VideoDetails(
    sha256: "ab", width: 64, height: 48, framesPerSecond: 35, actions: ["none", "left"],
    defaultAction: "none",
    defaultSteps: 4, maximumSteps: 8, bytesPerStream: 1 << 20, dataLicence: "BSD")
  let manifold = ManifoldDetails(
    sha256: "ef", geometry: "sphere(2)", dimension: 2, coordinates: ["x", "y", "z"], prior: "standard",
    defaultEvaluations: 1, maximumEvaluations: 9, defaultBatch: 16, precision: "float32", dataLicence: "CC0")
  let models = [
    ModelSummary(name: "a", state: .ready(.video(video))), ModelSummary(name: "b", state: .absent),
    ModelSummary(name: "e", state: .ready(.manifold(manifold))),
    ModelSummary(name: "d", state: .failed("short")),
  ]
  let session = SessionStatus(
    session: "s1", model: "a", format: "fmp4", phase: .generating, done: 1, total: 0, creditLeft: 2,
    ageMilliseconds: 9)
  let replies: [Reply] = [
    .welcome(Welcome(server: "flowd", version: "1", limits: limits)),
    .capabilities(Capabilities(limits: limits, model: models[0])), .models(models), .pong,
    .controlAcknowledged(ControlAcknowledgement(session: "s1", number: 7, outcome: .applied(frame: 12))),
    .controlAcknowledged(ControlAcknowledgement(session: "s1", number: nil, outcome: .gone(next: 5))),
    .progress(Progress(session: "s1", phase: .loading, done: 0, total: 90, creditLeft: 8)),
    .queued(Queued(session: "s1", position: 2)), .model(models[0]),
    .snapshot(SnapshotTaken(session: "s1", snapshot: "n1", frame: 9, bytes: 1 << 20)),
    .error(Failure(session: "s1", WireError(.gone, "gone", field: "resume.from_seq", oldest: 7))),
    .error(Failure(session: "s1", WireError(.numerical, "not finite", field: "steps"))),
    .status(
      ServerStatus(
        version: "1", uptimeMilliseconds: 9, isDraining: false, limits: limits, sessions: [session],
        models: models, sessionsOpened: 1, framesGenerated: 2, pointsGenerated: 3)),
  ]
  return (replies + videoStream + pointStream).map { ReplyMessage(id: "r1", $0) }
}()

private let tenancy = Tenancy(token: "00ff", nextSequence: 3, isResumed: true)

/// A whole video as a client sees it.
let videoStream: [Reply] = [
  .opened(
    Opened(
      session: "s1", tenancy: tenancy, model: "a", modelDigest: "ab", width: 2, height: 2, rateNumerator: 35,
      rateDenominator: 1,
      seed: .max, steps: 4, frames: 1, format: .rgb24, mediaType: "video/raw")),
  .frame(
    FrameHeader(
      session: "s1", sequence: 0, width: 2, height: 2, action: "left", control: 7,
      generationMilliseconds: 1.5,
      isLast: true)),
  .media(
    MediaHeader(
      session: "s1", sequence: 1, kind: .segment, mediaType: "video/mp4", firstFrame: 0, frames: 12,
      isKey: true)),
  .end(
    StreamEnd(
      session: "s1", reason: .done, frames: 13, bytes: 12, milliseconds: 1, sha256: "cd", dropped: 2,
      log: (try? [ActionRun("left", 3)]) ?? [])),
]

/// A whole stream of points as a client sees it.
let pointStream: [Reply] = [
  .openedPoints(
    OpenedPoints(
      session: "s2", tenancy: tenancy, model: "e", modelDigest: "ef", geometry: "sphere(2)",
      coordinates: ["x", "y"],
      seed: .max,
      evaluations: 2, points: 2, batch: 2, times: [1, 0])),
  .points(
    PointsHeader(
      session: "s2", sequence: 0, first: 0, shape: [1, 2, 2], coordinates: ["x", "y"],
      generationMilliseconds: 1.5, isLast: true)),
  .end(
    StreamEnd(session: "s2", reason: .done, frames: 0, points: 2, bytes: 16, milliseconds: 1, sha256: "cd")),
]
