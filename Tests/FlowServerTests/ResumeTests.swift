// SPDX-License-Identifier: Apache-2.0

import FlowDigest
import FlowServer
import FlowTestSupport
import FlowWire
import FoundationEssentials
import Glibc
import Testing

@Suite("Streams that outlive their connections", .timeLimit(.minutes(1)))
struct ResumeTests {
  /// What a client knows of its stream, and what it has of it.
  struct Part {
    let opened: Opened
    var bodies: [[UInt8]] = []

    var next: Int { bodies.count }
    var wish: ResumeRequest { get throws { try wish() } }

    func wish(takesOver: Bool = false, token: String? = nil) throws -> ResumeRequest {
      try ResumeRequest(
        session: opened.session, token: token ?? opened.tenancy.token, firstSequence: next, credit: 4,
        takesOver: takesOver)
    }
  }

  static let frames = 40
  static let request = try! OpenRequest(model: "pattern", seed: 5, frames: frames, credit: 4)

  /// Opens the stream and reads a part of it, giving credit for all but the last messages, which stay under way.
  private static func begin(_ client: borrowing TestClient, reading count: Int) throws -> Part {
    var part = Part(opened: try client.open(request))
    for _ in 0..<count { try read(&part, client) }
    return part
  }

  private static func read(_ part: inout Part, _ client: borrowing TestClient) throws {
    let message = try client.next()
    guard case .frame(let frame) = message.reply else { throw Unexpected(message.reply) }
    #expect(frame.sequence == part.next)
    part.bodies.append(message.body ?? [])
    try client.send(.credit(CreditRequest(session: part.opened.session, count: 1)))
  }

  /// Comes back and reads the rest.
  private static func finish(_ part: Part, _ client: borrowing TestClient, takesOver: Bool = false) throws {
    var part = part
    try client.send(.resume(part.wish(takesOver: takesOver)), id: "back")
    let message = try client.next()
    guard case .opened(let opened) = message.reply, message.id == "back" else {
      throw Unexpected(message.reply)
    }
    #expect(
      opened.tenancy == Tenancy(token: part.opened.tenancy.token, nextSequence: part.next, isResumed: true))
    while part.next < frames { try read(&part, client) }
    let end = try client.nextEnd()
    var digest = SHA256()
    for body in part.bodies { digest.update(body) }
    #expect(end.reason == .done && end.frames == frames && end.sha256 == digest.hexadecimal())
    #expect(try part.bodies == undisturbed())
  }

  /// The stream as a client gets it that nothing happens to.
  private static func undisturbed() throws -> [[UInt8]] {
    let client = try TestDaemon().connect()
    var part = try begin(client, reading: 0)
    while part.next < frames { try read(&part, client) }
    return part.bodies
  }

  @Test("a client whose socket is gone comes back on another and gets the same bytes", arguments: [0, 1, 17])
  func closedSocket(count: Int) throws {
    let daemon = try TestDaemon()
    let part = try { try Self.begin(daemon.connect(), reading: count) }()
    try Self.finish(part, daemon.connect())
  }

  @Test("a client that was killed comes back as another process and gets the same bytes")
  func killed() async throws {
    let daemon = try TestDaemon { $0.lease = .seconds(50) }, folder = try TemporaryFolder()
    let (endpoint, note) = (daemon.daemon.endpoint, "\(folder.path)/note")
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [endpoint = endpoint as String, note = note as String] in
      let part = try Self.begin(TestClient(endpoint), reading: 9)
      let header = ReplyMessage(.opened(part.opened)).header()
      try Data(header + part.bodies.flatMap { $0 }).write(to: URL(filePath: note))
      kill(getpid(), SIGKILL)
    }
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: note)))
    let size = 16 * 12 * 3, split = bytes.count - 9 * size
    guard case .opened(let opened) = try ReplyMessage(header: Array(bytes[..<split])).reply else {
      throw Unexpected(.pong)
    }
    var part = Part(opened: opened)
    part.bodies = (0..<9).map { Array(bytes[(split + $0 * size)..<(split + ($0 + 1) * size)]) }
    try Self.finish(part, daemon.connect())
  }

  @Test("a client that sends too much is disconnected, and goes on with its stream all the same")
  func oversize() throws {
    let daemon = try TestDaemon(), client = try daemon.connect()
    let part = try Self.begin(client, reading: 6)
    try client.send(#"{"v":1,"op":"ping"}"#, [UInt8](repeating: 0, count: WireLimits.partBytes + 1))
    // libzmq connects again under another name, to which the session does not belong.
    try daemon.connect().awaitStatus { $0.sessions.map(\.phase) == [.lost] }
    try Self.finish(part, daemon.connect())
  }

  @Test("a session that is held by a live connection is given to another only if that says so")
  func conflict() throws {
    let daemon = try TestDaemon(), first = try daemon.connect(), second = try daemon.connect()
    let part = try Self.begin(first, reading: 3)
    try second.send(.resume(part.wish), id: "a")
    let refusal = try second.nextFailure()
    #expect(refusal.id == "a" && refusal.failure.error.code == .conflict && refusal.failure.error.retryable)
    try Self.finish(part, second, takesOver: true)
    while true {
      guard case .error(let failure) = try first.next().reply else { continue }
      #expect(failure.error.code == .conflict && failure.session == part.opened.session)
      break
    }
  }

  @Test("whoever would take a session over and cannot have what it wants leaves it to its holder")
  func vainTakeover() throws {
    let daemon = try TestDaemon(), first = try daemon.connect(), second = try daemon.connect()
    var part = try Self.begin(first, reading: 3)
    try second.send(
      .resume(
        ResumeRequest(
          session: part.opened.session, token: part.opened.tenancy.token, firstSequence: 1 << 40,
          takesOver: true)))
    #expect(try second.nextFailure().failure.error.field == "resume.from_seq")
    while part.next < Self.frames { try Self.read(&part, first) }
    #expect(try first.nextEnd().reason == .done)
  }

  @Test("without its token a session is not to be had, and not to be told from one that never was")
  func badToken() throws {
    let daemon = try TestDaemon(), client = try daemon.connect()
    let part = try Self.begin(client, reading: 1)
    let other = try daemon.connect()
    try other.send(.resume(part.wish(takesOver: true, token: String(repeating: "0", count: 32))))
    let wrong = try other.nextFailure().failure.error
    try other.send(
      .resume(ResumeRequest(session: "s99", token: part.opened.tenancy.token, firstSequence: 0)))
    let unknown = try other.nextFailure().failure.error
    #expect(wrong.code == .notFound && unknown.code == .notFound)
    #expect(wrong.message.replacing(part.opened.session, with: "s99") == unknown.message)
  }

  @Test("what a client missed of a stream that is over comes when it comes back")
  func tail() throws {
    let daemon = try TestDaemon()
    let part = try {
      let client = try daemon.connect()
      let part = try Self.begin(client, reading: Self.frames - 4)
      // All is sent and the session ends, but this client reads no more.
      try daemon.connect().awaitStatus { $0.sessions.isEmpty }
      return part
    }()
    try Self.finish(part, daemon.connect())
  }

  @Test("when the lease of a stream that is over has ended its messages are gone, and its end is not")
  func forgottenTail() throws {
    let daemon = try TestDaemon { $0.lease = .zero }, client = try daemon.connect()
    var part = try Self.begin(client, reading: 0)
    while part.next < Self.frames { try Self.read(&part, client) }
    let end = try client.nextEnd()
    part.bodies.removeLast()
    try client.send(.resume(part.wish))
    let error = try client.nextFailure().failure.error
    #expect(error.code == .gone && error.oldest == Self.frames)
    try client.send(.cancel(.session(part.opened.session)))
    #expect(try client.nextEnd() == end)
  }
}
