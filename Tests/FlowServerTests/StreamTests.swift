// SPDX-License-Identifier: Apache-2.0

import FlowDigest
import FlowServer
import FlowWire
import FlowZeroMQ
import Testing

@Suite("Streams of the running daemon", .timeLimit(.minutes(1)))
struct StreamTests {
  @Test("hello, ping, capabilities, models and status are answered under the request's id")
  func questions() throws {
    let daemon = try TestDaemon()
    let client = try daemon.connect()
    try client.awaitStatus { $0.models.allSatisfy { [.absent, .loading].contains($0.state) == false } }
    try client.send(#"{"v":1,"op":"hello","id":"a","client":"test","future":[1]}"#)
    let hello = try client.next()
    guard case .welcome(let welcome) = hello.reply else { throw Unexpected(hello.reply) }
    #expect(hello.id == "a")
    #expect(welcome.server == "flowd" && welcome.versions == [1] && welcome.limits.sessions == 2)
    try client.send(.ping, id: "b")
    let ping = try client.next()
    #expect(ping.reply == .pong && ping.id == "b")
    try client.send(.capabilities(model: "odd"), id: "c")
    let asked = try client.next()
    guard case .capabilities(let capabilities) = asked.reply else { throw Unexpected(asked.reply) }
    #expect(capabilities.formats == ["rgb24", "yuv420p", "y4m", "fmp4", "mpegts", "png", "float32"])
    guard case .video(let details) = capabilities.model?.details else { throw Unexpected(asked.reply) }
    #expect(details.width == 15)
    try client.send(.models)
    let listed = try client.next()
    guard case .models(let models) = listed.reply else { throw Unexpected(listed.reply) }
    #expect(models.map(\.name) == ["broken", "fragile", "gated", "odd", "pattern"])
  }

  @Test("a stream has its frames in order, each action where it was asked for, and the digest of its bytes")
  func stream() throws {
    let daemon = try TestDaemon()
    let client = try daemon.connect()
    let plan = ActionPlan.runs([try ActionRun("right", 3), try ActionRun("left", 2)])
    let opened = try client.open(OpenRequest(model: "pattern", seed: .max, frames: 8, plan: plan), id: "r1")
    #expect(opened.seed == .max && opened.width == 16 && opened.height == 12 && opened.frames == 8)
    #expect(opened.rateNumerator == 35 && opened.rateDenominator == 1 && opened.steps == 2)
    let stream = try client.collect(opened.session)
    #expect(stream.frames.map(\.sequence) == Array(0..<8))
    #expect(
      stream.frames.map(\.action) == ["right", "right", "right", "left", "left", "stay", "stay", "stay"])
    #expect(stream.frames.map(\.isLast) == [Bool](repeating: false, count: 7) + [true])
    #expect(stream.bytes.count == 8 * 16 * 12 * 3)
    var digest = SHA256()
    digest.update(stream.bytes)
    #expect(stream.end?.sha256 == digest.hexadecimal())
    #expect(stream.end?.reason == .done && stream.end?.frames == 8 && stream.end?.bytes == stream.bytes.count)
    #expect(try client.status().sessions.isEmpty)
  }

  @Test(
    "the same seed and actions give the same stream, another seed another",
    arguments: StreamFormat.Kind.allCases)
  func determinism(kind: StreamFormat.Kind) throws {
    let daemon = try TestDaemon()
    let client = try daemon.connect()
    func digest(seed: UInt64) throws -> String? {
      let open = try OpenRequest(
        model: "pattern", seed: seed, frames: 40, plan: .runs([ActionRun("left", 30)]),
        format: StreamFormat(kind, gop: 10, scale: 2))
      let stream = try client.collect(client.open(open).session)
      #expect(stream.end?.frames == 40)
      return stream.end?.sha256
    }
    let first = try digest(seed: 1)
    #expect(try digest(seed: 1) == first)
    #expect(try digest(seed: 2) != first)
  }

  @Test("an encoded stream comes in media messages, its header first, its frames without holes")
  func encoded() throws {
    let daemon = try TestDaemon()
    let client = try daemon.connect()
    let format = try StreamFormat(.fmp4, crf: 20, gop: 10, scale: 2)
    let opened = try client.open(
      OpenRequest(model: "pattern", seed: 1, frames: 35, credit: 2, format: format))
    #expect(opened.width == 32 && opened.height == 24 && opened.mediaType == "video/mp4")
    let stream = try client.collect(opened.session)
    #expect(stream.media.map(\.sequence) == Array(0..<stream.media.count))
    #expect(stream.media.first?.kind == .initial)
    var frame = 0
    for media in stream.media where media.frames > 0 {
      #expect(media.firstFrame == frame && media.kind == .segment)
      frame += media.frames
    }
    #expect(frame == 35 && stream.end?.frames == 35)
    #expect(stream.bytes[4..<8].elementsEqual("ftyp".utf8))
  }

  @Test("credit is never exceeded, and a client that gives none costs one frame more")
  func credit() throws {
    let daemon = try TestDaemon()
    let client = try daemon.connect()
    let opened = try client.open(OpenRequest(model: "pattern", seed: 1, credit: 4))
    for index in 0..<4 {
      guard case .frame(let frame) = try client.next().reply else { throw Unexpected(.pong) }
      #expect(frame.sequence == index)
    }
    // The next thing to come is a sign of life, a second later; by then everything that may be done is done.
    guard case .progress(let progress) = try client.receive().reply else { throw Unexpected(.pong) }
    #expect(progress == Progress(session: opened.session, phase: .credit, done: 5, total: 0, creditLeft: 0))
    #expect(try client.status().framesGenerated == 5)
  }

  @Test("a control acts at the next frame or at the one it names, and not in the past")
  func control() throws {
    let gate = Gate()
    let daemon = try TestDaemon(catalogue: TestCatalogue(gate: gate))
    let client = try daemon.connect()
    let session = try client.open(OpenRequest(model: "gated", seed: 1, frames: 12, credit: 100)).session
    // Two frames have been asked of the generator, which waits at the gate.
    let changes: [(ControlRequest, ControlAcknowledgement.Outcome)] = [
      (try ControlRequest(session: session, number: 1, plan: .hold("left")), .applied(frame: 2)),
      (
        try ControlRequest(
          session: session, number: 2, place: .frame(5), plan: .runs([ActionRun("right", 2)])),
        .applied(frame: 5)
      ),
      (
        try ControlRequest(session: session, number: 3, place: .frame(1), plan: .hold("left")), .gone(next: 2)
      ),
    ]
    for (control, outcome) in changes {
      try client.send(.control(control), id: "c")
      let message = try client.next()
      #expect(message.id == "c")
      #expect(
        message.reply
          == .controlAcknowledged(
            ControlAcknowledgement(session: session, number: control.number, outcome: outcome)))
    }
    gate.open(12)
    let stream = try client.collect(session)
    #expect(
      stream.frames.map(\.action)
        == ["stay", "stay", "left", "left", "left", "right", "right", "stay", "stay", "stay", "stay", "stay"])
    #expect(stream.frames.map(\.control) == [nil, nil, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2])
  }

  @Test("two clients get their own streams, each as if it were alone")
  func interleaved() throws {
    let daemon = try TestDaemon()
    let first = try daemon.connect()
    let second = try daemon.connect()
    let alone = try daemon.connect()
    func request(_ seed: UInt64) throws -> OpenRequest {
      try OpenRequest(model: "pattern", seed: seed, frames: 50)
    }
    let firstSession = try first.open(request(1)).session
    let secondSession = try second.open(request(2)).session
    let (one, two) = (try first.collect(firstSession), try second.collect(secondSession))
    for (seed, stream) in [(UInt64(1), one), (2, two)] {
      let single = try alone.collect(alone.open(request(seed)).session)
      #expect(single.end?.sha256 == stream.end?.sha256)
      #expect(stream.frames.map(\.sequence) == Array(0..<50))
    }
  }

  @Test("an initial image decides the stream, raw or as PNG", arguments: InitialImage.Encoding.allCases)
  func initialImage(encoding: InitialImage.Encoding) throws {
    let daemon = try TestDaemon()
    let client = try daemon.connect()
    let image = try testImage(encoding, width: 16, height: 12, value: 200)
    let opened = try client.open(OpenRequest(model: "pattern", seed: 1, frames: 1, image: image))
    #expect(try client.collect(opened.session).bytes.first == 200)
  }

  @Test("a request socket is answered with its empty part")
  func requestSocket() throws {
    let daemon = try TestDaemon()
    let client = try TestClient(daemon.daemon.endpoint, kind: .request)
    try client.send(.ping)
    #expect(try client.receive().reply == .pong)
  }

  @Test("cancelling an open by its id once more gives the same end")
  func cancellingAgain() throws {
    let daemon = try TestDaemon()
    let client = try daemon.connect()
    _ = try client.open(OpenRequest(model: "pattern", seed: 1, credit: 1), id: "r1")
    _ = try client.next()
    try client.send(.cancel(.request("r1")))
    let end = try client.nextEnd()
    try client.send(.cancel(.request("r1")))
    #expect(try client.nextEnd() == end && end.reason == .cancelled)
  }

  @Test("a request to drain does not take back an abort")
  func abortThenDrain() throws {
    let daemon = try TestDaemon { $0.drainTimeout = .seconds(30) }
    let client = try daemon.connect()
    _ = try client.open(OpenRequest(model: "pattern", seed: 1, credit: 1))
    daemon.daemon.abort()
    daemon.daemon.drain()
    let start = ContinuousClock.now
    daemon.daemon.wait()
    #expect(start.duration(to: .now) < .seconds(20))
  }

  @Test("a closed stream gets what is under way, and an encoder's end")
  func closing() throws {
    let daemon = try TestDaemon()
    let client = try daemon.connect()
    let session = try client.open(
      OpenRequest(model: "pattern", seed: 1, format: StreamFormat(.fmp4, gop: 1000))
    ).session
    try client.awaitStatus { $0.framesGenerated > 10 }
    try client.send(.close(session: session), id: "bye")
    var frames = 0
    while true {
      let message = try client.next()
      if case .media(let media) = message.reply { frames += media.frames }
      guard case .end(let end) = message.reply else { continue }
      #expect(end.reason == .done && end.frames == frames && frames > 10 && message.id == "bye")
      return
    }
  }
}
