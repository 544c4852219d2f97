// SPDX-License-Identifier: Apache-2.0

import FlowDigest
import FlowServer
import FlowTestSupport
import FlowWire
import FoundationEssentials
import Glibc
import Testing

@Suite("Recordings on the server", .timeLimit(.minutes(1)))
struct RecordingTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(
    "a recording is what was sent, under its name, with the digest that the end tells",
    arguments: [StreamFormat.Kind.rgb24, .fmp4, .png, .y4m])
  func content(kind: StreamFormat.Kind) throws {
    let daemon = try daemon()
    let client = try daemon.connect()
    #expect(mkdir(path("days"), 0o700) == 0)
    let session = try client.open(request("days/a.bin", frames: 7, format: StreamFormat(kind))).session
    let stream = try client.collect(session)
    let end = try #require(stream.end)
    #expect(
      end.reason == .done && end.recorded == RecordedFile(path: "days/a.bin", bytes: stream.bytes.count))
    #expect(try contents("days/a.bin") == stream.bytes && digest(stream.bytes) == end.sha256)
    #expect(try FileManager.default.contentsOfDirectory(atPath: path("days")) == ["a.bin"])
    var facts = stat()
    #expect(stat(path("days/a.bin"), &facts) == 0 && facts.st_mode & 0o777 == 0o600)
  }

  @Test("points are recorded as well")
  func points() throws {
    let daemon = try TestDaemon(catalogue: PointCatalogue()) { [folder] in $0.recordingsFolder = folder.path }
    let client = try daemon.connect()
    var open = try OpenRequest(model: "sphere", seed: 1, .points(PointsWish(points: 100, batch: 10)))
    open.record = try RecordWish(path: "points")
    try client.send(.open(open))
    var bytes: [UInt8] = []
    while true {
      let message = try client.next()
      switch message.reply {
      case .points(let header):
        bytes += message.body ?? []
        try client.send(.credit(CreditRequest(session: header.session, count: 1)))
      case .end(let end):
        #expect(end.recorded == RecordedFile(path: "points", bytes: 100 * 3 * 4) && end.points == 100)
        #expect(try contents("points") == bytes && digest(bytes) == end.sha256)
        return
      default: break
      }
    }
  }

  @Test("a stream that is cancelled leaves what was sent, and every answer to cancel tells where")
  func cancelled() throws {
    let daemon = try daemon()
    let client = try daemon.connect()
    let session = try client.open(request("a", credit: 3)).session
    var bytes: [UInt8] = []
    for _ in 0..<3 { bytes += try client.next().body ?? [] }
    try client.send(.cancel(.session(session)), id: "c1")
    try client.send(.cancel(.session(session)), id: "c2")
    for id in ["c1", "c2"] {
      let message = try client.next()
      guard case .end(let end) = message.reply else { throw Unexpected(message.reply) }
      #expect(message.id == id && end.reason == .cancelled)
      #expect(end.recorded == RecordedFile(path: "a", bytes: bytes.count) && digest(bytes) == end.sha256)
    }
    #expect(try contents("a") == bytes)
  }

  @Test("a daemon that drains puts recordings in their places before it leaves")
  func drained() throws {
    let daemon = try daemon()
    let client = try daemon.connect()
    _ = try client.open(request("a", credit: 2))
    let first = try client.next().body ?? []
    let bytes = try first + (client.next().body ?? [])
    daemon.daemon.drain()
    daemon.daemon.wait()
    #expect(try contents("a") == bytes)
    let end = try client.nextEnd()
    #expect(end.reason == .drained && end.recorded == RecordedFile(path: "a", bytes: bytes.count))
  }

  @Test("a client that is gone leaves what was sent to it")
  func lease() throws {
    let daemon = try daemon()
    var bytes: [UInt8] = []
    do {
      let client = try daemon.connect()
      _ = try client.open(request("a", credit: 2))
      for _ in 0..<2 { bytes += try client.next().body ?? [] }
    }
    let watcher = try daemon.connect()
    try watcher.awaitStatus { $0.sessions.isEmpty }
    daemon.daemon.drain()
    daemon.daemon.wait()
    #expect(try contents("a") == bytes)
  }

  @Test("a stream of which nothing was sent leaves nothing")
  func empty() throws {
    let gate = Gate()
    let daemon = try TestDaemon(catalogue: TestCatalogue(gate: gate)) { [folder] in
      $0.recordingsFolder = folder.path
    }
    let client = try daemon.connect()
    var open = try OpenRequest(model: "gated", seed: 1)
    open.record = try RecordWish(path: "a")
    let session = try client.open(open).session
    try client.send(.cancel(.session(session)))
    let end = try client.nextEnd()
    #expect(end.reason == .cancelled && end.recorded == nil)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    gate.open(9)
  }

  @Test(
    "a path that leads out of the folder, or to what is there, is refused before the stream is open",
    arguments: [
      ("/etc/a", .badRequest, "record.path"), ("../a", .badRequest, "record.path"),
      ("days/../../a", .badRequest, "record.path"),
      (String(repeating: "n", count: 300), .badRequest, "record.path"),
      ("missing/a", .notFound, "record.path"), ("link/a", .forbidden, "record.path"),
      ("inside/a", .forbidden, "record.path"), ("taken/a", .forbidden, "record.path"),
      ("taken", .conflict, "record.path"), ("days", .conflict, "record.path"),
      ("dangling", .conflict, "record.path"),
      ("link", .conflict, "record.path"), ("half", .conflict, "record.path"),
      ("days/link/a", .forbidden, "record.path"),
    ] as [(String, WireError.Code, String)])
  func refused(wish: String, code: WireError.Code, field: String) throws {
    let outside = try TemporaryFolder()
    #expect(mkdir(path("days"), 0o700) == 0)
    for (name, target) in [
      ("link", outside.path), ("days/link", outside.path), ("inside", "days"),
      ("dangling", "\(outside.path)/new"),
    ] { #expect(symlink(target, path(name)) == 0) }
    for name in ["taken", "half.partial"] {
      try "mine".write(toFile: path(name), atomically: true, encoding: .utf8)
    }
    let daemon = try daemon()
    let client = try daemon.connect()
    try client.send(
      #"{"v":1,"op":"open","id":"r1","model":"pattern","frames":2,"record":{"path":"\#(wish)"}}"#)
    let failure = try client.nextFailure()
    #expect(failure.id == "r1" && failure.failure.error.code == code && failure.failure.error.field == field)
    #expect(
      failure.failure.error.message.contains("; "), "there is no remedy in \(failure.failure.error.message)")
    #expect(try client.status().sessions.isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: outside.path).isEmpty)
    #expect(try contents("taken") == Array("mine".utf8) && contents("half.partial") == Array("mine".utf8))
    #expect(try FileManager.default.contentsOfDirectory(atPath: path("days")) == ["link"])
  }

  @Test("two streams cannot have one name at a time")
  func twice() throws {
    let daemon = try daemon()
    let client = try daemon.connect()
    _ = try client.open(request("a", credit: 1))
    _ = try client.next()
    try client.send(.open(request("a")))
    let error = try client.nextFailure().failure.error
    #expect(error.code == .conflict && error.message.contains("a.partial is there already"))
  }

  @Test(
    "what got the name meanwhile is not replaced; the recording keeps its other name, and the client is told")
  func nameTaken() throws {
    let daemon = try daemon()
    let client = try daemon.connect()
    let session = try client.open(request("a", credit: 1)).session
    let body = try client.next().body
    try "mine".write(toFile: path("a"), atomically: true, encoding: .utf8)
    try client.send(.cancel(.session(session)))
    let failure = try client.nextFailure().failure
    #expect(failure.session == session && failure.error.message.contains("kept as a.partial"))
    #expect(try client.nextEnd().recorded == nil)
    #expect(try contents("a") == Array("mine".utf8) && contents("a.partial") == body)
  }

  @Test("a file that can grow no more ends the recording with an error, and the stream goes on to its end")
  func fullDisk() async throws {
    // A limit on the size of files stands in for the full disk: to a writer both are a write that fails.
    await #expect(processExitsWith: .exitCode(0)) { [folder = folder.path as String] in
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 2000, rlim_max: 2000)
      guard setrlimit(__rlimit_resource_t(UInt32(RLIMIT_FSIZE.rawValue)), &limit) == 0 else { exit(9) }
      let daemon = try TestDaemon { $0.recordingsFolder = folder }
      let client = try daemon.connect()
      var open = try OpenRequest(model: "pattern", seed: 1, frames: 10)
      open.record = try RecordWish(path: "a")
      let session = try client.open(open).session
      var bytes: [UInt8] = []
      var failures: [WireError] = []
      while true {
        let message = try client.next()
        switch message.reply {
        case .frame:
          bytes += message.body ?? []
          try client.send(.credit(CreditRequest(session: session, count: 1)))
        case .error(let failure): failures.append(failure.error)
        case .end(let end):
          // Three whole frames of 16 × 12 pixels fit into 2000 bytes.
          let isRight =
            end.reason == .done && end.frames == 10 && digest(bytes) == end.sha256 && failures.count == 1
            && failures[0].message.contains("has ended after 1728 bytes: File too large")
            && failures[0].field == "record" && end.recorded == RecordedFile(path: "a", bytes: 1728)
          let kept = FileManager.default.contents(atPath: "\(folder)/a").map { Array($0) }
          exit(isRight && kept == Array(bytes.prefix(1728)) ? 0 : 8)
        default: break
        }
      }
    }
  }

  @Test(
    "a disk that is slower than the stream ends the recording with an error, and the stream goes on to its end"
  )
  func slowDisk() throws {
    // Frames have 576 bytes: not one of them may wait, which is as slow as a disk can be.
    let daemon = try TestDaemon { [folder] in
      $0.recordingsFolder = folder.path
      $0.recordingBacklog = 575
    }
    let client = try daemon.connect()
    let session = try client.open(request("a", frames: 3)).session
    var (frames, failures) = (0, [WireError]())
    while true {
      switch try client.next().reply {
      case .frame: frames += 1
      case .error(let failure): failures.append(failure.error)
      case .end(let end):
        #expect(end.session == session && end.reason == .done && end.recorded == nil && frames == 3)
        #expect(failures.count == 1 && failures[0].message.contains("the disk is slower than the stream"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        return
      case let other: throw Unexpected(other)
      }
    }
  }

  @Test("what a daemon offers says whether it records")
  func feature() throws {
    for (daemon, records) in [(try daemon(), true), (try TestDaemon(), false)] {
      let client = try daemon.connect()
      try client.send(.capabilities(model: nil))
      guard case .capabilities(let offer) = try client.next().reply else { return #expect(Bool(false)) }
      #expect(offer.features.contains("record") == records)
    }
  }

  private func daemon() throws -> TestDaemon {
    try TestDaemon { [folder] in
      $0.recordingsFolder = folder.path
      $0.drainTimeout = .milliseconds(200)
    }
  }

  private func request(
    _ path: String, frames: Int = 0, credit: Int = 8, format: StreamFormat = .plain
  ) throws -> OpenRequest {
    var open = try OpenRequest(model: "pattern", seed: 1, frames: frames, credit: credit, format: format)
    open.record = try RecordWish(path: path)
    return open
  }

  private func path(_ name: String) -> String { "\(folder.path)/\(name)" }

  private func contents(_ name: String) throws -> [UInt8] {
    Array(try #require(FileManager.default.contents(atPath: path(name))))
  }

  @Test("who comes back for the end of a recorded stream is told where it was kept as well")
  func resumed() throws {
    let daemon = try daemon()
    let opened: Opened
    do {
      let client = try daemon.connect()
      opened = try client.open(request("a", frames: 3, credit: 8))
      for _ in 0..<3 { _ = try client.next() }
      #expect(try client.nextEnd().recorded?.path == "a")
    }
    let other = try daemon.connect()
    let wish = try ResumeRequest(
      session: opened.session, token: opened.tenancy.token, firstSequence: 1, credit: 8, takesOver: true)
    try other.send(.resume(wish))
    while true {
      guard case .end(let end) = try other.next().reply else { continue }
      #expect(end.reason == .done && end.recorded?.path == "a")
      return
    }
  }
}

private func digest(_ bytes: [UInt8]) -> String {
  var digest = SHA256()
  digest.update(bytes)
  return digest.hexadecimal()
}
