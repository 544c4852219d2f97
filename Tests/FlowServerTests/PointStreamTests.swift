// SPDX-License-Identifier: Apache-2.0

import FlowDigest
import FlowGeneration
import FlowServer
import FlowWire
import Testing

@Suite("Streams of points of the running daemon", .timeLimit(.minutes(1)))
struct PointStreamTests {
  @Test("a manifold model tells its kind, geometry, coordinates and evaluations")
  func listing() throws {
    let daemon = try TestDaemon(catalogue: PointCatalogue())
    let client = try daemon.connect()
    try client.awaitStatus { $0.models.allSatisfy { [.absent, .loading].contains($0.state) == false } }
    try client.send(.capabilities(model: "few"), id: "c")
    let reply = try client.next().reply
    guard case .capabilities(let capabilities) = reply,
      case .manifold(let details)? = capabilities.model?.details
    else {
      throw Unexpected(reply)
    }
    #expect(
      details.geometry == "sphere(2)" && details.dimension == 2 && details.coordinates == ["x", "y", "z"])
    #expect(details.defaultEvaluations == 1 && details.maximumEvaluations == 4 && details.prior == "standard")
    #expect(capabilities.features.contains("points") && capabilities.formats.contains("float32"))
    try client.send(.models)
    guard case .models(let models) = try client.next().reply else { throw Unexpected(reply) }
    let kinds = models.map { if case .manifold? = $0.details { true } else { false } }
    #expect(kinds == [true, true, false, true, true, true])
  }

  @Test("a stream has its points in order, on the manifold, and the digest of its bytes")
  func stream() throws {
    let daemon = try TestDaemon(catalogue: PointCatalogue())
    let client = try daemon.connect()
    let opened = try client.openPoints(
      OpenRequest(model: "sphere", seed: .max, .points(PointsWish(points: 1000, evaluations: 2, batch: 300))),
      id: "r1")
    #expect(opened.seed == .max && opened.points == 1000 && opened.batch == 300 && opened.evaluations == 2)
    #expect(opened.geometry == "sphere(2)" && opened.coordinates == ["x", "y", "z"] && opened.times == [0])
    let stream = try client.collectPoints(opened.session)
    #expect(
      stream.headers.map(\.sequence) == [0, 1, 2, 3] && stream.headers.map(\.first) == [0, 300, 600, 900])
    #expect(stream.headers.map(\.shape) == [[300, 3], [300, 3], [300, 3], [100, 3]])
    #expect(stream.headers.map(\.isLast) == [false, false, false, true])
    var digest = SHA256()
    digest.update(stream.bytes)
    #expect(stream.end?.sha256 == digest.hexadecimal() && stream.end?.reason == .done)
    #expect(stream.end?.points == 1000 && stream.end?.frames == 0 && stream.end?.bytes == 12_000)
    let status = try client.status()
    #expect(status.sessions.isEmpty && status.pointsGenerated == 1000 && status.framesGenerated == 0)
  }

  @Test(
    "what a request leaves open is the model's", arguments: [#""seed":1"#, #""format":{"kind":"float32"}"#])
  func defaults(fields: String) throws {
    let daemon = try TestDaemon(catalogue: PointCatalogue())
    let client = try daemon.connect()
    try client.send(#"{"v":1,"op":"open","id":"r1","model":"angles","credit":1,\#(fields)}"#)
    guard case .openedPoints(let opened) = try client.next().reply else { throw Unexpected(.pong) }
    #expect(
      opened.points == 0 && opened.evaluations == 1 && opened.batch == 9362 && opened.coordinates.count == 7)
    guard case .points(let header) = try client.next().reply else { throw Unexpected(.pong) }
    #expect(header.shape == [9362, 7])
    try client.send(.cancel(.session(opened.session)))
    let end = try client.nextEnd()
    #expect(end.reason == .cancelled && end.points == 9362)
  }

  @Test("the same seed gives the same bytes, whatever the batch; another seed others")
  func determinism() throws {
    let daemon = try TestDaemon(catalogue: PointCatalogue())
    let client = try daemon.connect()
    func digest(_ seed: UInt64, batch: Int) throws -> String? {
      let open = try OpenRequest(model: "sphere", seed: seed, .points(PointsWish(points: 500, batch: batch)))
      return try client.collectPoints(client.openPoints(open).session).end?.sha256
    }
    let first = try digest(7, batch: 500)
    #expect(try digest(7, batch: 64) == first && digest(8, batch: 500) != first)
  }

  @Test("a trajectory has the points at every time of the walk")
  func trajectory() throws {
    let daemon = try TestDaemon(catalogue: PointCatalogue())
    let client = try daemon.connect()
    let start = try StartPoints(
      count: 10, width: 3, coordinates: (0..<10).flatMap { _ in [0, 0.6, 0.8] as [Float] })
    let wish = try PointsWish(evaluations: 4, startTime: 0.5, wantsTrajectory: true, start: start)
    let opened = try client.openPoints(OpenRequest(model: "sphere", seed: 1, .points(wish)))
    #expect(opened.times == [0.5, 0.375, 0.25, 0.125, 0])
    let stream = try client.collectPoints(opened.session)
    #expect(stream.headers.map(\.shape) == [[10, 5, 3]] && stream.bytes.count == 600)
  }

  @Test("given points are walked, as many as there are")
  func start() throws {
    let daemon = try TestDaemon(catalogue: PointCatalogue())
    let client = try daemon.connect()
    let start = try StartPoints(count: 2, width: 3, coordinates: [1, 0, 0, 0, 0.6, 0.8])
    func ends(_ end: Double) throws -> [Float] {
      let wish = try PointsWish(startTime: 0.3, endTime: end, start: start)
      let opened = try client.openPoints(OpenRequest(model: "sphere", seed: 1, .points(wish)))
      #expect(opened.points == 2)
      let bytes = try client.collectPoints(opened.session).bytes
      return bytes.withUnsafeBytes { bytes in
        (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
      }
    }
    let same = try ends(0.3), moved = try ends(0)
    #expect(zip(same, start.coordinates).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(zip(moved, start.coordinates).contains { abs($0 - $1) > 1e-3 })
  }

  @Test("credit is never exceeded, and a client that gives none costs one batch more")
  func credit() throws {
    let daemon = try TestDaemon(catalogue: PointCatalogue())
    let client = try daemon.connect()
    let opened = try client.openPoints(
      OpenRequest(model: "sphere", seed: 1, credit: 3, .points(PointsWish(batch: 10))))
    for index in 0..<3 {
      guard case .points(let header) = try client.next().reply else { throw Unexpected(.pong) }
      #expect(header.sequence == index)
    }
    guard case .progress(let progress) = try client.receive().reply else { throw Unexpected(.pong) }
    #expect(
      progress == Progress(session: opened.session, phase: .credit, done: 40, total: 0, creditLeft: 0))
    #expect(try client.status().pointsGenerated == 40)
    try client.send(.close(session: opened.session))
    try client.send(.credit(CreditRequest(session: opened.session, count: 4)))
    guard case .points = try client.next().reply else { throw Unexpected(.pong) }
    #expect(try client.nextEnd().points == 40)
  }

  @Test("a network whose points are not finite ends its stream with an error")
  func numerical() throws {
    let daemon = try TestDaemon(catalogue: PointCatalogue())
    let client = try daemon.connect()
    let opened = try client.openPoints(OpenRequest(model: "wild", seed: 1, .points(PointsWish(points: 5))))
    let failure = try client.nextFailure().failure
    #expect(failure.error.code == .numerical && failure.session == opened.session)
    #expect(try client.nextEnd().reason == .error)
  }
}
