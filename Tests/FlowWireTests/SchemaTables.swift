// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import FlowWire

/// Messages of every kind with every field, and spoiled ones.
extension SchemaTests {
  /// What ``RequestTests/everyField`` and ``RequestTests/everyPoint`` have not.
  static let otherFields = {
    var open = try! OpenRequest(
      model: "doom", plan: .hold("left"), format: StreamFormat(.png),
      delivery: Delivery(pace: .media, policy: .latest, aheadMilliseconds: 0), snapshot: "s1-1",
      wantsLog: true)
    open.record = try! RecordWish(path: "a/b.mp4")
    open.isObserved = true
    return open
  }()

  static let requests: [Request] = [
    .hello(client: "test"), .capabilities(model: "doom"), .models,
    .model(try! ModelRequest(.load, "doom")), .model(try! ModelRequest(.reload, "doom")),
    .model(try! ModelRequest(.unload, "doom")),
    .open(try! OpenRequest(model: "e", .plain)), .open(try! OpenRequest(model: "e", .points(.plain))),
    .open(RequestTests.everyField), .open(RequestTests.everyPoint), .open(otherFields),
    .resume(
      try! ResumeRequest(session: "s1", token: "0f", firstSequence: 1 << 53, credit: 9, takesOver: true)),
    .credit(try! CreditRequest(session: "s1", count: 1024)),
    .control(
      try! ControlRequest(
        session: "s1", number: 7, place: .frame(40), plan: .hold("left"), flushes: true, pauses: false)),
    .control(try! ControlRequest(session: "s1", plan: .runs([ActionRun("left", 2)]))),
    .control(try! ControlRequest(session: "s1", flushes: true)),
    .control(try! ControlRequest(session: "s1", pauses: true)),
    .snapshot(session: "s1"), .rewind(try! RewindRequest(session: "s1", snapshot: "s1-1", number: 0)),
    .cancel(.session("s1")), .cancel(.request("r1")), .close(session: "s1"), .status, .ping,
  ]

  static let digest = String(repeating: "ab", count: 32)
  static let tenancy = Tenancy(
    token: String(repeating: "0f", count: 16), nextSequence: 7, isResumed: true)
  static let manifold = ModelDetails.manifold(
    ManifoldDetails(
      sha256: digest, geometry: "sphere(2)", dimension: 2, coordinates: ["x", "y", "z"], prior: "standard",
      defaultEvaluations: 1, maximumEvaluations: 1000, defaultBatch: 16_384, precision: "float32",
      dataLicence: "CC0-1.0"))
  static let models = [
    ModelSummary(name: "a", state: .ready(video(digest))), ModelSummary(name: "e", state: .ready(manifold)),
    ModelSummary(name: "b", state: .absent),
    ModelSummary(name: "f", state: .absent, described: video("")),
    ModelSummary(name: "c", state: .loading, described: manifold),
    ModelSummary(name: "d", state: .failed("tensor x is short")),
  ]
  static let welcome = {
    var welcome = ReplyTests.welcome
    welcome.observers = "tcp://127.0.0.1:5556"
    return welcome
  }()
  static let opened = Opened(
    session: "s1", tenancy: tenancy, model: "a", modelDigest: digest, width: 256, height: 192,
    rateNumerator: 35, rateDenominator: 1, seed: .max, steps: 4, frames: 0, format: .fmp4,
    mediaType: "video/mp4")
  static let openedPoints = OpenedPoints(
    session: "s2", tenancy: tenancy, model: "e", modelDigest: digest, geometry: "sphere(2)",
    coordinates: ["x", "y", "z"], seed: .max, evaluations: 2, points: 100, batch: 50, times: [1, 0.5, 0])
  static let frame = FrameHeader(
    session: "s1", sequence: 3, width: 64, height: 48, action: "left", control: 7,
    generationMilliseconds: 1.5, isLast: true, dropped: 5)
  static let media = MediaHeader(
    session: "s1", sequence: 0, kind: .initial, mediaType: "video/mp4", firstFrame: 0, frames: 0,
    isKey: false, dropped: 2)
  static let progress = Progress(session: "s1", phase: .credit, done: 4, total: 200, creditLeft: 0)
  static let end = {
    var end = StreamEnd(
      session: "s1", reason: .drained, frames: 3, points: 100, bytes: 9, milliseconds: 1, sha256: digest,
      dropped: 4, log: [try! ActionRun("left", 3)])
    end.recorded = RecordedFile(path: "a/b.mp4", bytes: 9)
    return end
  }()

  /// A session whose model has not decided yet what it makes.
  private static let waiting = SessionStatus(
    session: "s2", model: "a", format: "default", phase: .queued, done: 0, total: 0, creditLeft: 8,
    ageMilliseconds: 1)

  static let replies: [Reply] = [
    .welcome(welcome),
    .capabilities(
      Capabilities(limits: ReplyTests.limits, model: models[0], records: true, isObserved: true)),
    .models(models), .model(models[0]), .model(models[1]), .queued(Queued(session: "s3", position: 2)),
    .snapshot(SnapshotTaken(session: "s1", snapshot: "s1-1", frame: 8, bytes: 1 << 40)),
    .opened(opened), .openedPoints(openedPoints), .frame(frame), .points(ReplyTests.points), .media(media),
    .controlAcknowledged(ControlAcknowledgement(session: "s1", number: 7, outcome: .applied(frame: 12))),
    .controlAcknowledged(ControlAcknowledgement(session: "s1", number: 7, outcome: .gone(next: 40))),
    .progress(progress), .end(end),
    .error(
      Failure(session: "s1", WireError(.gone, "message 1 is gone", field: "resume.from_seq", oldest: 9))),
    .status(
      ServerStatus(
        version: "0.1.0", uptimeMilliseconds: 5, isDraining: false, limits: ReplyTests.limits,
        sessions: [ReplyTests.session, waiting], models: models, sessionsOpened: 3, framesGenerated: 4,
        pointsGenerated: 5)),
    .pong,
  ]

  /// What a reply may lack, besides `id`.
  static let optionalFields: Set = [
    "welcome.auth_user", "welcome.observers", "capabilities.model", "frame.ctl", "frame.dropped",
    "media.dropped", "ctl_ack.ctl", "end.points", "end.dropped", "end.log", "end.recorded", "error.sid",
    "error.field", "error.oldest",
  ]

  /// What is put into every place of a request.
  static let substitutes: [JSONValue] = [
    .boolean(true), .boolean(false), .integer(-1), .integer(0), .integer(1), .integer(Int128(Int.max) + 1),
    .integer(Int128(UInt64.max) + 1), .number(1.5), .string(""), .string("x"),
    .string(String(repeating: "x", count: 129)), .array([]), .array([.array([])]), .object(JSONObject()),
  ]
  /// Fields that are refused for what part 1 or another field is, which a schema does not compare.
  static let unseenFields: Set = ["image", "start", "points", "s"]

  static let refusedHeaders: [String] = {
    let reserved = ["prompts", "negative", "conditioning", "size", "window", "sink", "precision"]
    let fields = [
      #""image":{"encoding":"png","w":1,"h":1},"from":{"snapshot":"a"}"#,
      #""frames":1,"format":{"kind":"float32"}"#, #""points":1,"format":{"kind":"rgb24"}"#,
      #""policy":"latest","format":{"kind":"float32"}"#, #""points":1,"from":{"snapshot":"a"}"#,
      #""points":1,"nfe":1001"#, #""points":1,"batch":1048577"#, #""points":1000000000001"#,
      #""frames":1000000001"#, #""t":1.01"#, #""s":-0.5"#, #""start":{"dtype":"float64","shape":[1,1]}"#,
      #""action":"a","actions":[]"#, #""record":{"path":""}"#, #""observe":"yes""#,
    ]
    let mixed =
      VideoWish.fields.map { #""points":1,"\#($0)":1"# } + PointsWish.fields.map { #""frames":1,"\#($0)":1"# }
    let decided =
      ["model", "seed", "from", "format", "record", "observe", "ctl_log"] + Delivery.fields
      + VideoWish.fields + PointsWish.fields
    let resumes = decided.map {
      #"{"v":1,"op":"open","resume":{"sid":"s","token":"t","from_seq":0},"\#($0)":1}"#
    }
    let opens =
      RequestTests.openRefusals.map { $0.0 } + reserved.map { #""\#($0)":"x""# } + fields + mixed
    let headers = RequestTests.refusals.map { $0.0 } + opens.map { opening($0) } + resumes
    // What is no JSON is not for a schema to judge.
    return headers.filter { (try? JSONValue(parsing: Array($0.utf8))) != nil }
  }()
  /// What the daemon refuses and a schema cannot: to it 1.0 is 1, and it knows nothing of part 1.
  static let unseenHeaders: Set = [
    #"{"v":1.0,"op":"ping"}"#, opening(#""image":{"encoding":"rgb24","w":2,"h":1}"#),
  ]

  static let spoiledReplies: [(Reply, String, String)] = [
    (.pong, #""v":1"#, #""v":2"#), (.pong, #""op":"pong""#, #""op":"ping""#),
    (.frame(frame), #""pix":"rgb24""#, #""pix":"bgr24""#), (.frame(frame), #""w":64"#, #""w":65537"#),
    (.frame(frame), #""seq":3"#, #""seq":9007199254740993"#), (.frame(frame), "[192]", "[192,96]"),
    (.frame(frame), #""dropped":5"#, #""dropped":0"#), (.points(ReplyTests.points), "[50,3,3]", "[150]"),
    (.media(media), #""kind":"init""#, #""kind":"trailer""#),
    (.opened(opened), #""fps":[35,1]"#, #""fps":[35]"#),
    (.opened(opened), #""format":"fmp4""#, #""format":"gif""#),
    (.opened(opened), tenancy.token, "0f"), (.opened(opened), digest, "ab"),
    (.openedPoints(openedPoints), "\(UInt64.max)", "18446744073709551616"),
    (.openedPoints(openedPoints), "[1.0,0.5,0.0]", "[1.5,0.5,0.0]"),
    (.openedPoints(openedPoints), #""kind":"points""#, #""kind":"video""#),
    (.model(models[0]), #""state":"ready""#, #""state":"failed""#),
    (.model(models[0]), #""state":"ready""#, #""state":"asleep""#),
    (.model(models[0]), #""kind":"video""#, #""kind":"manifold""#),
    (.queued(Queued(session: "s3", position: 2)), #""position":2"#, #""position":0"#),
    (
      .controlAcknowledged(ControlAcknowledgement(session: "s1", number: 7, outcome: .gone(next: 40))),
      #""next_seq":40"#, #""next_seq":40,"applied_seq":40"#
    ),
    (
      .controlAcknowledged(ControlAcknowledgement(session: "s1", number: 7, outcome: .gone(next: 40))),
      #""rejected":"gone""#, #""rejected":"conflict""#
    ),
    (.progress(progress), #""phase":"credit""#, #""phase":"asleep""#),
    (.end(end), #""reason":"drained""#, #""reason":"bored""#), (.end(end), #"["left",3]"#, #"["left",0]"#),
    (.error(Failure(.badRequest("n", "n is 0"))), #""code":"bad_request""#, #""code":"bad_day""#),
    (.error(Failure(.badRequest("n", "n is 0"))), "n is 0", String(repeating: "n", count: 4097)),
  ]

  /// Refusals for the bytes or the parts of a message, of which a schema sees nothing.
  static let refusalsOfBytes: Set = ["bad_header", "too_large"]
  /// Refusals for what is open, or for what a model has; a code, or a code and a field.
  static let refusalsOfState: Set = ["not_found", "gone", "conflict", "bad_request action"]
  /// What stands in the vectors for what a client has received.
  static let received = [
    (name: #""$s""#, json: #""s1""#), (name: #""$t""#, json: "\"\(tenancy.token)\""),
    (name: "$log", json: #"[["left",1]]"#),
  ]

  fileprivate static func video(_ digest: String) -> ModelDetails {
    .video(
      VideoDetails(
        sha256: digest, width: 64, height: 48, framesPerSecond: 35, actions: ["none", "left"],
        defaultAction: "none", defaultSteps: 4, maximumSteps: 8, bytesPerStream: 1 << 20,
        dataLicence: "BSD-3-Clause"))
  }

  private static func opening(_ fields: String) -> String {
    #"{"v":1,"op":"open","id":"r9","model":"doom",\#(fields)}"#
  }
}
