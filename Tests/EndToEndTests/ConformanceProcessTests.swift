// SPDX-License-Identifier: Apache-2.0

import FlowTestSupport
import FlowWire
import FlowZeroMQ
import FoundationEssentials
import Glibc
import Testing

extension EndToEnd {
  /// What Tests/Fixtures/conformance.json cannot say: it takes signals, processes or broken connections.
  @Suite("Conformance of the daemon as a process", .timeLimit(.minutes(1)))
  struct Conformance {
    private static func wish(_ format: StreamFormat.Kind = .rgb24) throws -> OpenRequest {
      try OpenRequest(model: "tiny", seed: 7, frames: 24, credit: 4, format: StreamFormat(format, gop: 2))
    }

    // MARK: - Signals

    @Test(
      "a daemon that was told to stop opens nothing more; a stream gets what is under way, and its digest",
      arguments: [SIGTERM, SIGINT])
    func drain(number: Int32) throws {
      let served = try Served(["--drain-timeout", "60"])
      let whole = try served.undisturbed(Self.wish())
      let client = try RawClient(served.endpoint), other = try RawClient(served.endpoint)
      var stream = try client.open(OpenRequest(model: "tiny", seed: 7, credit: 4))
      try client.read(&stream, until: 4, givesCredit: false)
      served.flowd.signal(number)
      try other.awaitStatus { $0.isDraining && $0.sessions.map(\.phase) == [.credit] }
      try other.send(.open(OpenRequest(model: "tiny")), id: "late")
      let refusal = try other.nextError()
      #expect(refusal.id == "late" && refusal.error.code == .draining && refusal.error.retryable)
      try client.send(.credit(CreditRequest(session: stream.opened.session, count: 8)))
      let end = try client.finish(&stream)
      #expect(end.reason == .drained && end.frames == stream.bodies.count && end.frames > 4)
      let isBeginning = whole.bodies.starts(with: stream.bodies)
      #expect(isBeginning)
      #expect(served.flowd.end().status == 0)
    }

    @Test("SIGTERM while a stream is read ends it early, and what came is the whole of a shorter one")
    func drainWhileReading() throws {
      let served = try Served(), client = try RawClient(served.endpoint)
      var stream = try client.open(OpenRequest(model: "tiny", seed: 7))
      try client.read(&stream, until: 10)
      served.flowd.signal(SIGTERM)
      let end = try client.finish(&stream)
      #expect(end.reason == .drained && end.frames == stream.bodies.count)
      #expect(served.flowd.end().status == 0)
      let other = try Served()
      let shorter = try other.undisturbed(OpenRequest(model: "tiny", seed: 7, frames: end.frames))
      #expect(shorter.digest == end.sha256)
      try other.close()
    }

    @Test(
      "a second signal ends the daemon within a second with status 1, although a stream has a minute left",
      arguments: [[SIGTERM, SIGTERM], [SIGINT, SIGTERM], [SIGTERM, SIGINT]])
    func secondSignal(numbers: [Int32]) throws {
      let served = try Served(["--drain-timeout", "60"])
      let client = try RawClient(served.endpoint), watcher = try RawClient(served.endpoint)
      var stream = try client.open(OpenRequest(model: "tiny", seed: 7, credit: 1))
      try client.read(&stream, until: 1, givesCredit: false)
      served.flowd.signal(numbers[0])
      try watcher.awaitStatus { $0.isDraining && $0.sessions.count == 1 }
      let start = ContinuousClock.now
      served.flowd.signal(numbers[1])
      let status = served.flowd.exitStatus()
      let time = start.duration(to: .now)
      #expect(status == 1 && time < .seconds(1))
    }

    // MARK: - Messages

    @Test("a message without content is refused in the envelope that it came in, and the next one is read")
    func nothing() throws {
      let served = try Served()
      let ping = RequestMessage(.ping).parts()[0]
      // A REQ socket puts an empty part first, and takes it off the answer.
      let asker = try RawClient(served.endpoint, .request)
      try asker.send([[]])
      #expect(try asker.nextError().error.code == .badHeader)
      try asker.send([ping])
      #expect(try asker.next().reply == .pong)
      let client = try RawClient(served.endpoint)
      try client.send([[]])
      #expect(try client.nextError().error.code == .badHeader)
      for parts in [[[], []], [[], [], []], [[], ping]] as [[[UInt8]]] {
        try client.send(parts)
        let answer = try client.receive()
        try #require(answer.count == 2 && answer[0].isEmpty)
        let reply = try ReplyMessage(header: answer[1]).reply
        if parts.last == ping {
          #expect(reply == .pong)
        } else {
          guard case .error(let failure) = reply else { throw Unexpected(reply: reply) }
          #expect(failure.error.code == .badHeader)
        }
      }
      try client.send([ping])
      #expect(try client.next().reply == .pong)
      try served.close()
    }

    @Test("no odd size is made into yuv420p: not that of a scale, of a wish, of an image or of a model")
    func oddSizes() throws {
      let folder = try TemporaryFolder()
      try writeTinyBundle("odd", in: folder.path, height: 48, width: 64)
      let path = "\(folder.path)/odd/model.json"
      let manifest = try String(contentsOfFile: path, encoding: .utf8)
      let oddManifest = manifest.replacing("\"width\" : 64", with: "\"width\" : 63")
      try #require(oddManifest != manifest)
      try oddManifest.write(toFile: path, atomically: true, encoding: .utf8)

      let served = try Served(in: folder), client = try RawClient(served.endpoint)
      let refusals: [(fields: String, code: WireError.Code, field: String?, words: String)] = [
        (
          #""model":"tiny","format":{"kind":"yuv420p","scale":1.0625}"#, .badRequest, "format.scale",
          "an integer"
        ),
        (#""model":"tiny","format":{"kind":"yuv420p"},"size":[15,15]"#, .badRequest, "size", "not offered"),
        (#""model":"odd","format":{"kind":"yuv420p"}"#, .modelFailed, nil, "63 and must be a multiple of 16"),
      ]
      for refusal in refusals {
        try client.send([Array(#"{"v":1,"op":"open","id":"a",\#(refusal.fields)}"#.utf8)])
        let (id, error) = try client.nextError()
        #expect(id == "a" && error.code == refusal.code && error.field == refusal.field)
        #expect(error.message.contains(refusal.words), "\(error.message)")
      }
      let pixels = [UInt8](repeating: 0, count: 15 * 15 * 3)
      let image = try InitialImage(.rgb24, width: 15, height: 15, bytes: pixels)
      try client.send(.open(OpenRequest(model: "tiny", format: StreamFormat(.yuv420p), image: image)))
      let error = try client.nextError().error
      #expect(error.code == .badRequest && error.field == "image" && error.message.contains("16×16"))
      let stream = try served.undisturbed(
        OpenRequest(model: "tiny", seed: 7, frames: 2, format: StreamFormat(.yuv420p)))
      #expect(stream.bodies.map(\.count) == [16 * 16 * 3 / 2, 16 * 16 * 3 / 2])
      try served.close()
    }

    @Test(
      "a client that sends too much is disconnected; its stream goes on at its next connection or at another",
      arguments: [true, false])
    func oversize(itself: Bool) throws {
      let served = try Served(["--lease", "50"])
      let whole = try served.undisturbed(Self.wish())
      let client = try RawClient(served.endpoint), other = try RawClient(served.endpoint)
      var stream = try client.open(Self.wish())
      try client.read(&stream, until: 6)
      let body = [UInt8](repeating: 0, count: WireLimits.partBytes + 1)
      try client.send([RequestMessage(.ping).parts()[0], body])
      try client.awaitDisconnection()
      try other.awaitStatus { $0.sessions.map(\.phase) == [.lost] }
      let end: StreamEnd
      if itself {
        try client.resume(stream)
        end = try client.finish(&stream)
      } else {
        try other.resume(stream)
        end = try other.finish(&stream)
      }
      let isSame = stream.bodies == whole.bodies
      #expect(isSame && end.reason == .done && end.sha256 == whole.digest)
      try served.close()
    }

    // MARK: - Clients that are lost

    @Test(
      "the stream of a client that was killed goes on at another connection with the same bytes",
      arguments: [StreamFormat.Kind.rgb24, .fmp4])
    func killed(format: StreamFormat.Kind) throws {
      let served = try Served(["--lease", "50"])
      let whole = try served.undisturbed(Self.wish(format))
      let client = try served.python(clientThatComesBack, served.endpoint, Self.wish(format), reading: 5)
      var stream = try client.readStream(5)
      client.signal(SIGKILL)
      #expect(client.exitStatus() == -SIGKILL)
      let end = try served.takeUp(&stream)
      let isSame = stream.bodies == whole.bodies
      #expect(isSame && end.reason == .done && end.sha256 == whole.digest)
      try served.close()
    }

    @Test("a client that is killed with half of a message read has not had it; another gets all of it")
    func killedHalfway() throws {
      let served = try Served(["--lease", "50"])
      let wish = try OpenRequest(
        model: "tiny", seed: 7, frames: 12, credit: 8, format: StreamFormat(.rgb24, scale: 16))
      let whole = try served.undisturbed(wish)
      let path = String(served.endpoint.dropFirst("ipc://".count))
      let client = try served.python(clientThatReadsHalf, path, wish, reading: 3)
      var stream = try client.readStream(3)
      let half = try client.readBody()
      #expect(half.count == 256 * 256 * 3 / 2)
      // Four more are under way, which a socket does not hold: the daemon is in the middle of a message, too.
      try RawClient(served.endpoint).awaitStatus { $0.sessions.map(\.creditLeft) == [0] }
      client.signal(SIGKILL)
      #expect(client.exitStatus() == -SIGKILL)
      let end = try served.takeUp(&stream)
      let isHalf = stream.bodies[3].starts(with: half), isSame = stream.bodies == whole.bodies
      #expect(isHalf && isSame && end.reason == .done && end.sha256 == whole.digest)
      try served.close()
    }

    @Test(
      "a client that is frozen is noticed; its stream goes on, byte for byte, when it thaws or at another",
      arguments: [true, false])
    func frozen(thaws: Bool) throws {
      let served = try Served(["--lease", "50"])
      let whole = try served.undisturbed(Self.wish())
      let client = try served.python(clientThatComesBack, served.endpoint, Self.wish(), reading: 9)
      var stream = try client.readStream(9)
      let watcher = try RawClient(served.endpoint)
      try watcher.awaitStatus { $0.sessions.map(\.phase) == [.credit] }
      client.signal(SIGSTOP)
      try watcher.awaitStatus { $0.sessions.map(\.phase) == [.lost] }
      let end: StreamEnd
      if thaws {
        client.signal(SIGCONT)
        let tenancy = Tenancy(token: stream.opened.tenancy.token, nextSequence: 9, isResumed: true)
        #expect(try client.readOpened().tenancy == tenancy)
        while stream.bodies.count < whole.bodies.count { stream.bodies.append(try client.readBody()) }
        let reply = try client.readReply()
        guard case .end(let last) = reply else { throw Unexpected(reply: reply) }
        #expect(client.end().status == 0)
        end = last
      } else {
        end = try served.takeUp(&stream)
      }
      let isSame = stream.bodies == whole.bodies
      #expect(isSame && end.reason == .done && end.sha256 == whole.digest)
      try served.close()
    }

    // MARK: - Replay

    @Test("a steered stream is made once more by another daemon, from its log or from its controls")
    func replay() throws {
      let served = try Served(), other = try Served()
      func wish(_ plan: ActionPlan, credit: Int) throws -> OpenRequest {
        try OpenRequest(model: "tiny", seed: 7, frames: 60, credit: credit, plan: plan, wantsLog: true)
      }
      let client = try RawClient(served.endpoint)
      var stream = try client.open(wish(.hold("left"), credit: 4))
      let session = stream.opened.session
      var changes: [(frame: Int, plan: ActionPlan)] = []
      for plan in try [.hold("stay"), .runs([ActionRun("left", 3)]), .hold("left")] as [ActionPlan] {
        let count = stream.bodies.count + 10
        try client.read(&stream, until: count)
        try client.send(.control(ControlRequest(session: session, number: changes.count, plan: plan)))
        let frame = try client.acknowledgement(&stream)
        changes.append((frame, plan))
      }
      let end = try client.finish(&stream)
      let log = try #require(end.log)
      #expect(log.map(\.name) == ["left", "stay", "left", "stay", "left"])

      let replayer = try RawClient(other.endpoint)
      var replayed = try replayer.open(wish(.runs(log), credit: 4))
      let again = try replayer.finish(&replayed)
      #expect(again.sha256 == end.sha256 && again.log == log)

      // With so little credit no frame that is to be steered has been asked for yet.
      var steered = try replayer.open(wish(.hold("left"), credit: 1))
      for (frame, plan) in changes {
        let control = try ControlRequest(session: steered.opened.session, place: .frame(frame), plan: plan)
        try replayer.send(.control(control))
        let applied = try replayer.acknowledgement(&steered)
        #expect(applied == frame)
      }
      let anew = try replayer.finish(&steered)
      #expect(anew.sha256 == end.sha256 && anew.log == log)
      let unsteered = try other.undisturbed(wish(.hold("left"), credit: 4))
      #expect(unsteered.digest != end.sha256)
      try served.close()
      try other.close()
    }
  }
}

/// The real daemon with a real model of 16×16 called "tiny", as the conformance vectors have it.
struct Served {
  let endpoint: String
  let flowd: Child
  private let folder: TemporaryFolder

  /// Starts a daemon and waits until it is ready.
  ///
  /// - Parameter folder: a new one, or one that has other models as well.
  init(_ options: [String] = [], in folder: TemporaryFolder? = nil) throws {
    let folder = try folder ?? TemporaryFolder()
    let endpoint = "ipc://\(folder.path)/s"
    try writeTinyBundle("tiny", in: folder.path)
    let arguments = ["--models", folder.path, "--manifolds", "\(folder.path)/none", "--bind", endpoint]
    let flowd = try Child("flowd", arguments + options)
    let line = flowd.readLine()
    try #require(line == "flowd is ready at \(endpoint)")
    self.endpoint = endpoint
    self.flowd = flowd
    self.folder = folder
  }

  /// A stream as a client gets it that nothing happens to.
  func undisturbed(_ wish: OpenRequest) throws -> PartialStream {
    let client = try RawClient(endpoint)
    var stream = try client.open(wish)
    let end = try client.finish(&stream)
    #expect(end.reason == .done)
    return stream
  }

  /// Goes on with the stream of a client that was lost, once the daemon has noticed, and reads the rest.
  func takeUp(_ stream: inout PartialStream) throws -> StreamEnd {
    let client = try RawClient(endpoint)
    try client.awaitStatus { $0.sessions.map(\.phase) == [.lost] }
    try client.resume(stream)
    return try client.finish(&stream)
  }

  /// Starts a client in Python, which opens a stream and prints some of its messages.
  func python(
    _ source: String, _ address: String, _ wish: OpenRequest, reading count: Int
  ) throws -> Child {
    let request = String(decoding: RequestMessage(id: "1", .open(wish)).parts()[0], as: UTF8.self)
    return try Child("/usr/bin/python3", ["-c", source, address, request, "\(count)"])
  }

  /// Whatever happened: the daemon has no sessions left, and ends with status 0 when it is told to.
  func close() throws {
    try RawClient(endpoint).awaitStatus { $0.sessions.isEmpty }
    flowd.signal(SIGTERM)
    let ending = flowd.end()
    #expect(ending.status == 0, "\(ending.errors)")
  }
}
