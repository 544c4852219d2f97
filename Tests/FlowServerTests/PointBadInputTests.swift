// SPDX-License-Identifier: Apache-2.0

import FlowServer
import FlowTestSupport
import FlowWire
import FoundationEssentials
import Glibc
import Testing

/// What a client may get wrong about points; after each of these the daemon answers the same client's `ping`.
@Suite("Bad input about points to the running daemon", .timeLimit(.minutes(1)))
struct PointBadInputTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let fields: String
    let start: [Float]?
    let code: WireError.Code
    let field: String
    let words: [String]
    var testDescription: String { name }
  }

  private static func input(
    _ name: String, _ fields: String, start: [Float]? = nil, code: WireError.Code = .badRequest,
    _ field: String,
    _ words: String...
  ) -> Case {
    Case(name: name, fields: fields, start: start, code: code, field: field, words: words)
  }

  static let cases = [
    // Off the manifold.
    input(
      "a point off the sphere", #""model":"sphere","start":{"shape":[2,3]}"#, start: [1, 0, 0, 0, 0, 1.25],
      "start", "point 1",
      "0.25 away from sphere(2)", "send points of the manifold"),
    input(
      "the origin", #""model":"sphere","start":{"shape":[1,3]}"#, start: [0, 0, 0], "start", "point 0",
      "1.0 away"),
    // Of the wrong dimension.
    input(
      "points of two coordinates", #""model":"sphere","start":{"shape":[1,2]}"#, start: [1, 0], "start.shape",
      "points of 2 coordinates", "sphere(2) has 3", "x, y, z"),
    input(
      "points of eight angles", #""model":"angles","start":{"shape":[1,8]}"#,
      start: [Float](repeating: 0, count: 8),
      "start.shape", "torus(7) has 7"),
    input(
      "a shape of one number", #""model":"sphere","start":{"shape":[3]}"#, start: [1, 0, 0], "start.shape",
      "[points, coordinates]"),
    input("no points", #""model":"sphere","start":{"shape":[0,3]}"#, start: [], "start.shape", "from 1 to"),
    input(
      "more numbers than the shape has", #""model":"sphere","start":{"shape":[1,3]}"#, start: [1, 0, 0, 1],
      "start", "4 numbers"),
    input(
      "a shape beyond all memory", #""model":"sphere","start":{"shape":[1000000000000,8388608]}"#,
      start: [1, 0, 0], "start",
      "another number"),
    input("start without its bytes", #""model":"sphere","start":{"shape":[1,3]}"#, "start", "as part 1"),
    input("bytes without start", #""model":"sphere","points":1"#, start: [1, 0, 0], "start", "add start"),
    input(
      "doubles", #""model":"sphere","start":{"shape":[1,3],"dtype":"float64"}"#, start: [1, 0, 0],
      "start.dtype", "take float32"),
    input(
      "another number of points than start has", #""model":"sphere","points":5,"start":{"shape":[1,3]}"#,
      start: [1, 0, 0],
      "points", "start has 1 points"),
    // Not finite.
    input(
      "a coordinate that is no number", #""model":"sphere","start":{"shape":[2,3]}"#,
      start: [1, 0, 0, 0, .nan, 1], "start",
      "coordinate 1 of point 1", "nan", "send finite numbers"),
    input(
      "an infinite angle", #""model":"angles","start":{"shape":[1,7]}"#,
      start: [0, 0, 0, 0, 0, 0, .infinity], "start",
      "coordinate 6 of point 0", "inf"),
    // Times.
    input(
      "t below 1 without start", #""model":"sphere","t":0.25"#, "t", "t is 0.25 and there is no start",
      "send start"),
    input(
      "s after t", #""model":"sphere","t":0.25,"s":0.75"#, "s", "s is 0.75 and t is 0.25", "exchange them"),
    input("t beyond 1", #""model":"sphere","t":1.5"#, "t", "t is 1.5", "from 0.0 to 1.0"),
    input("s before 0", #""model":"sphere","s":-0.1"#, "s", "s is -0.1", "from 0.0 to 1.0"),
    input("t that is a string", #""model":"sphere","t":"1""#, "t", "must be a number"),
    input("t that is huge", #""model":"sphere","t":1e308"#, "t", "from 0.0 to 1.0"),
    // Evaluations.
    input("NFE 0", #""model":"sphere","nfe":0"#, "nfe", "nfe is 0", "from 1 to 1000"),
    input("NFE 10^9", #""model":"sphere","nfe":1000000000"#, "nfe", "nfe is 1000000000", "from 1 to 1000"),
    input("NFE -1", #""model":"sphere","nfe":-1"#, "nfe", "from 1 to 1000"),
    input("NFE 1.5", #""model":"sphere","nfe":1.5"#, "nfe", "an integer"),
    input("more NFE than the model takes", #""model":"few","nfe":5"#, "nfe", "the model few takes 1 to 4"),
    // The rest.
    input("points -1", #""model":"sphere","points":-1"#, "points", "from 0 to"),
    input("batch 0", #""model":"sphere","batch":0"#, "batch", "from 1 to"),
    input(
      "a batch of too many bytes", #""model":"angles","batch":1000000"#, code: .tooLarge, "batch",
      "28000000 bytes",
      "299593 points"),
    input(
      "credit for too many bytes", #""model":"angles","batch":200000,"credit":1000"#, "credit",
      "allow 47 at a time"),
    input(
      "points as pictures", #""model":"sphere","points":1,"format":{"kind":"png"}"#, code: .unsupportedFormat,
      "format.kind", "take float32"),
    input("points of a video model", #""model":"pattern","nfe":1"#, "model", "makes video"),
    input("frames of a manifold", #""model":"sphere","frames":3"#, "model", "makes points of sphere(2)"),
    input("both frames and points", #""model":"sphere","frames":3,"points":3"#, "points", "leave out"),
    input(
      "an unknown model", #""model":"moon","points":3"#, code: .notFound, "model", "take one of angles, few"),
  ]

  @Test("a wish that is wrong gets a coded error that names the field and the remedy", arguments: cases)
  func refused(input: Case) throws {
    let daemon = try TestDaemon(catalogue: PointCatalogue())
    let client = try daemon.connect()
    let body = input.start.map { $0.withUnsafeBytes { Array($0) } }
    try client.send(#"{"v":1,"op":"open","id":"r1",\#(input.fields)}"#, body)
    let message = try client.nextFailure()
    #expect(message.id == "r1")
    #expect(message.failure.error.code == input.code && message.failure.error.field == input.field)
    for word in input.words {
      #expect(message.failure.error.message.contains(word), "\(message.failure.error.message)")
    }
    try client.send(.ping, id: "after")
    #expect(try client.next().id == "after")
    #expect(try client.status().sessions.isEmpty)
  }

  @Test("points within rounding of the manifold are taken")
  func nearly() throws {
    let daemon = try TestDaemon(catalogue: PointCatalogue())
    let client = try daemon.connect()
    let start = try StartPoints(count: 1, width: 3, coordinates: [0.5773, 0.5773, 0.5773])
    let opened = try client.openPoints(
      OpenRequest(model: "sphere", seed: 1, .points(PointsWish(start: start))))
    #expect(try client.collectPoints(opened.session).end?.points == 1)
  }

  @Test("points are not steered, and their stream goes on")
  func steered() throws {
    let daemon = try TestDaemon(catalogue: PointCatalogue())
    let client = try daemon.connect()
    let session = try client.openPoints(
      OpenRequest(model: "sphere", seed: 1, credit: 1, .points(PointsWish(points: 30, batch: 10)))
    ).session
    _ = try client.next()
    try client.send(.control(ControlRequest(session: session, plan: .hold("left"))), id: "c")
    let message = try client.nextFailure()
    #expect(message.id == "c" && message.failure.error.field == "sid" && message.failure.session == session)
    try client.send(.credit(CreditRequest(session: session, count: 2)))
    #expect(try client.collectPoints(session).end?.points == 30)
  }

  @Test(
    "a bundle whose geometry and weights disagree is refused by name, and the others are served",
    arguments: [
      ("sphere(2)", "torus(7)", "network.input has 3 numbers, and a point of torus(7) has 7"),
      ("sphere(2)", "euclidean(3)", "made for the geometry 'sphere(2)'"),
      ("\"width\" : 16", "\"width\" : 32", "hidden.0.weight"),
    ])
  func disagreeing(old: String, new: String, words: String) throws {
    let folder = try TemporaryFolder()
    try writeTinyManifold("good", in: "\(folder.path)/manifolds")
    try writeTinyManifold("bad", in: "\(folder.path)/manifolds")
    try writeTinyBundle("tiny", in: "\(folder.path)/models")
    let path = "\(folder.path)/manifolds/bad/manifold.json"
    let text = try #require(
      FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) })
    try Data(text.replacing(old, with: new).utf8).write(to: URL(filePath: path))
    let folders = ["--models", "\(folder.path)/models", "--manifolds", "\(folder.path)/manifolds"]
    let flowd = try Child("flowd", folders + ["--bind", "ipc://\(folder.path)/s"])
    _ = flowd.readLine()
    let client = try TestClient("ipc://\(folder.path)/s")
    try client.send(.open(OpenRequest(model: "bad", .points(PointsWish(points: 1)))), id: "r1")
    let message = try client.nextFailure()
    #expect(message.id == "r1" && message.failure.error.code == .modelFailed)
    #expect(message.failure.error.message.contains(words), "\(message.failure.error.message)")
    let session = try client.openPoints(OpenRequest(model: "good", .points(PointsWish(points: 2)))).session
    #expect(try client.collectPoints(session).end?.points == 2)
    #expect(try client.collect(client.open(OpenRequest(model: "tiny", frames: 2)).session).end?.frames == 2)
    flowd.signal(SIGTERM)
    #expect(flowd.exitStatus() == 0)
    let check = try Child("flowd", folders + ["--check"]).end()
    #expect(check.status == 65 && check.text.contains("good: good, points of sphere(2)"), "\(check.text)")
  }
}
