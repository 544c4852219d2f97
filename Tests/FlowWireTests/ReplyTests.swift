// SPDX-License-Identifier: Apache-2.0

import FlowWire
import Testing

@Suite("Replies")
struct ReplyTests {
  static let limits = ServerLimits(sessions: 2, idleMilliseconds: 60_000)
  static let details = VideoDetails(
    sha256: "ab", width: 64, height: 48, framesPerSecond: 35, actions: ["none", "left"],
    defaultAction: "none",
    defaultSteps: 4, maximumSteps: 8, bytesPerStream: 1 << 20, dataLicence: "BSD-3-Clause")
  static let manifold = ManifoldDetails(
    sha256: "ef", geometry: "sphere(2)", dimension: 2, coordinates: ["x", "y", "z"], prior: "standard",
    defaultEvaluations: 1, maximumEvaluations: 1000, defaultBatch: 16_384, precision: "float32",
    dataLicence: "CC0-1.0")
  static let openedPoints = OpenedPoints(
    session: "s2", tenancy: Tenancy(token: "0f", nextSequence: 7, isResumed: true), model: "e",
    modelDigest: "ef", geometry: "sphere(2)", coordinates: ["x", "y", "z"],
    seed: .max,
    evaluations: 2, points: 100, batch: 50, times: [1, 0.5, 0])
  static let points = PointsHeader(
    session: "s2", sequence: 1, first: 50, shape: [50, 3, 3], coordinates: ["x", "y", "z"],
    generationMilliseconds: 1.5, isLast: true)
  static let models = [
    ModelSummary(name: "a", state: .ready(.video(details))), ModelSummary(name: "b", state: .absent),
    ModelSummary(name: "f", state: .absent, described: .video(details)),
    ModelSummary(name: "c", state: .loading), ModelSummary(name: "e", state: .ready(.manifold(manifold))),
    ModelSummary(name: "d", state: .failed("tensor x is short")),
  ]
  static let opened = Opened(
    session: "s1", tenancy: Tenancy(token: "0f"), model: "a", modelDigest: "ab", width: 256, height: 192,
    rateNumerator: 35,
    rateDenominator: 1,
    seed: .max, steps: 4, frames: 0, format: .fmp4, mediaType: "video/mp4")
  static let welcome = {
    var welcome = Welcome(server: "flowd", version: "0.1.0", limits: limits)
    welcome.user = "ann"
    return welcome
  }()
  static let frame = FrameHeader(
    session: "s1", sequence: 3, width: 64, height: 48, action: "left", control: 7,
    generationMilliseconds: 1.5,
    isLast: true)
  static let session = SessionStatus(
    session: "s1", model: "a", format: "fmp4", phase: .generating, done: 1, total: 0, creditLeft: 2,
    ageMilliseconds: 9)

  @Test(
    "a reply that is written is read back as it was",
    arguments: [
      .welcome(Welcome(server: "flowd", version: "0.1.0", limits: limits)),
      .welcome(welcome), .capabilities(Capabilities(limits: limits)),
      .capabilities(Capabilities(limits: limits, records: true)),
      .capabilities(Capabilities(limits: limits, model: models[0])),
      .models(models), .models([]), .opened(opened), .frame(frame), .openedPoints(openedPoints),
      .points(points),
      .end(
        StreamEnd(
          session: "s2", reason: .done, frames: 0, points: 100, bytes: 9, milliseconds: 1, sha256: "cd")),
      .media(
        MediaHeader(
          session: "s1", sequence: 0, kind: .initial, mediaType: "video/mp4", firstFrame: 0, frames: 0,
          isKey: false)),
      .controlAcknowledged(ControlAcknowledgement(session: "s1", number: 7, outcome: .applied(frame: 12))),
      .controlAcknowledged(ControlAcknowledgement(session: "s1", number: nil, outcome: .gone(next: 40))),
      .model(models[0]), .model(models[1]), .queued(Queued(session: "s3", position: 2)),
      .snapshot(SnapshotTaken(session: "s1", snapshot: "s1-1", frame: 8, bytes: 1 << 40)),
      .end(
        StreamEnd(
          session: "s1", reason: .drained, frames: 3, bytes: 9, milliseconds: 1, sha256: "cd", dropped: 4,
          log: [try! ActionRun("left", 3)])),
      .error(
        Failure(session: "s1", WireError(.gone, "message 1 is gone", field: "resume.from_seq", oldest: 9))),
      .frame(
        FrameHeader(
          session: "s1", sequence: 9, width: 1, height: 1, action: "left", control: nil,
          generationMilliseconds: 1, isLast: false, dropped: 5)),
      .progress(Progress(session: "s1", phase: .credit, done: 4, total: 200, creditLeft: 0)),
      .end(StreamEnd(session: "s1", reason: .done, frames: 200, bytes: 9, milliseconds: 5714, sha256: "cd")),
      .error(Failure(session: "s1", WireError(.numerical, "frame 3 is not finite"))),
      .error(Failure(.badRequest("n", "n is 0"))),
      .status(
        ServerStatus(
          version: "0.1.0", uptimeMilliseconds: 5, isDraining: false, limits: limits, sessions: [session],
          models: models, sessionsOpened: 3, framesGenerated: 4, pointsGenerated: 5)),
      .pong,
    ] as [Reply])
  func roundTrips(reply: Reply) throws {
    let message = ReplyMessage(id: "r1", reply)
    #expect(try ReplyMessage(header: message.header()) == message)
  }

  static let shown: [(Reply, String)] = [
    (Reply.pong, #"{"v":1,"op":"pong","id":"r1"}"#),
    (
      .frame(frame),
      #"{"v":1,"op":"frame","id":"r1","sid":"s1","seq":3,"pts":3,"w":64,"h":48,"stride":[192],"#
        + #""pix":"rgb24","action":"left","ctl":7,"gen_ms":1.5,"last":true}"#
    ),
    (
      .points(points),
      #"{"v":1,"op":"points","id":"r1","sid":"s2","seq":1,"first":50,"dtype":"float32","shape":[50,3,3],"#
        + #""coordinates":["x","y","z"],"gen_ms":1.5,"last":true}"#
    ),
    (
      .openedPoints(openedPoints),
      #"{"v":1,"op":"opened","id":"r1","sid":"s2","kind":"points","model":{"name":"e","sha256":"ef"},"#
        + #""geometry":"sphere(2)","coordinates":["x","y","z"],"dtype":"float32","seed":18446744073709551615,"#
        + #""nfe":2,"points":100,"batch":50,"times":[1.0,0.5,0.0],"token":"0f","next_seq":7,"resumed":true,"#
        + #""format":"float32","mime":"application/octet-stream"}"#
    ),
    (
      .error(Failure(WireError(.sessionLimit, "2 sessions are open"))),
      #"{"v":1,"op":"error","id":"r1","code":"session_limit","message":"2 sessions are open","retryable":true}"#
    ),
  ]

  @Test("the header of a reply is what the protocol shows", arguments: shown)
  func snapshots(reply: Reply, header: String) {
    #expect(String(decoding: ReplyMessage(id: "r1", reply).header(), as: UTF8.self) == header)
  }

  @Test("a reply that lacks a field is refused by name")
  func missingField() {
    let error = #expect(throws: WireError.self) {
      try ReplyMessage(header: Array(#"{"v":1,"op":"frame","sid":"s1"}"#.utf8))
    }
    #expect(error?.field == "seq")
  }

  @Test("the closed list of codes is the protocol's, each with its HTTP twin")
  func codes() {
    #expect(WireError.Code.httpStatus.count == 23)
    #expect(WireError.Code.httpStatus[.badRequest] == 422)
    #expect(WireError.Code.httpStatus.values.allSatisfy { (400...504).contains($0) })
  }

  @Test(
    "numbers that nothing can be counted with are refused by name",
    arguments: [
      (.frame(frame), #""w":64"#, #""w":9223372036854775807"#, "w"),
      (.frame(frame), #""h":48"#, #""h":-1"#, "h"),
      (
        .media(
          MediaHeader(
            session: "s1", sequence: 0, kind: .segment, mediaType: "video/mp4", firstFrame: 0, frames: 8,
            isKey: false)), #""dur":8"#, #""dur":9223372036854775807"#, "dur"
      ),
      (.points(points), "[50,3,3]", "[4611686018427387904,3,3]", "shape"),
      (.openedPoints(openedPoints), #""points":100"#, #""points":-1"#, "points"),
      (.openedPoints(openedPoints), #"["x","y","z"]"#, "[]", "coordinates"),
      (.openedPoints(openedPoints), "[1.0,0.5,0.0]", "[]", "times"),
    ] as [(Reply, String, String, String)])
  func uncountable(reply: Reply, right: String, wrong: String, field: String) throws {
    let header = String(decoding: ReplyMessage(reply).header(), as: UTF8.self)
    let place = try #require(header.firstRange(of: right))
    let error = #expect(throws: WireError.self) {
      try ReplyMessage(
        header: Array((header[..<place.lowerBound] + wrong + header[place.upperBound...]).utf8))
    }
    #expect(error?.field == field)
  }
}
