// SPDX-License-Identifier: Apache-2.0

import FlowServer
import FlowTestSupport
import FlowWire
import FlowZeroMQ
import Glibc
import Logging
import Testing

/// A real daemon at a socket of its own, in this process.
final class TestDaemon {
  let daemon: Daemon
  private let folder: TemporaryFolder

  init(
    catalogue: any ModelCatalogue = TestCatalogue(), supervisor: Supervisor? = nil,
    configure: (inout ServerConfiguration) -> Void = { _ in }
  ) throws {
    folder = try TemporaryFolder()
    var configuration = ServerConfiguration(endpoint: "ipc://\(folder.path)/s")
    configure(&configuration)
    daemon = try Daemon(
      configuration: configuration, catalogue: catalogue,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, supervisor: supervisor)
  }

  /// A client, as long as which the daemon lives.
  func connect() throws -> TestClient { try TestClient(daemon.endpoint, keeping: self) }
}

/// A client that says exactly what it is told to.
struct TestClient: ~Copyable {
  let socket: Socket
  private let daemon: TestDaemon?

  init(
    _ endpoint: String, kind: Socket.Kind = .dealer,
    identity: (pair: CurveKeyPair, serverKey: CurvePublicKey)? = nil, name: String? = nil,
    patience: Int32 = 20_000, keeping daemon: TestDaemon? = nil
  ) throws {
    let socket = try Socket(Context(), kind)
    if let identity { try socket.useCurve(identity.pair, serverKey: identity.serverKey) }
    if let name { try socket.set(.routingIdentity, Array(name.utf8)) }
    try socket.set(.receiveTimeout, patience)
    try socket.connect(endpoint)
    self.socket = socket
    self.daemon = daemon
  }

  func send(_ header: String, _ body: [UInt8]? = nil) throws {
    let parts = [Array(header.utf8)] + (body.map { [$0] } ?? [])
    #expect(try socket.send(parts))
  }

  func send(_ request: Request, id: String? = nil) throws {
    #expect(try socket.send(RequestMessage(id: id, request).parts()))
  }

  /// The next message; a test fails if none comes within 20 seconds.
  func receive() throws -> (id: String?, reply: Reply, body: [UInt8]?) {
    let parts = try #require(try socket.receive(), "no message came")
    let message = try ReplyMessage(header: parts[0])
    return (message.id, message.reply, parts.count > 1 ? parts[1] : nil)
  }

  /// The next message that is not `progress`, which may come at any time.
  func next() throws -> (id: String?, reply: Reply, body: [UInt8]?) {
    while true {
      let message = try receive()
      if case .progress = message.reply { continue }
      return message
    }
  }

  func nextFailure() throws -> (id: String?, failure: Failure) {
    let message = try next()
    guard case .error(let failure) = message.reply else { throw Unexpected(message.reply) }
    return (message.id, failure)
  }

  func nextEnd() throws -> StreamEnd {
    let message = try next()
    guard case .end(let end) = message.reply else { throw Unexpected(message.reply) }
    return end
  }

  func open(_ request: OpenRequest, id: String? = nil) throws -> Opened {
    try send(.open(request), id: id)
    let message = try next()
    guard case .opened(let opened) = message.reply else { throw Unexpected(message.reply) }
    #expect(message.id == id)
    return opened
  }

  func status() throws -> ServerStatus {
    try send(.status)
    while true { if case .status(let status) = try next().reply { return status } }
  }

  /// Asks for the status until it is as wanted.
  func awaitStatus(for patience: Duration = .seconds(20), _ isWanted: (ServerStatus) -> Bool) throws {
    let start = ContinuousClock.now
    while !isWanted(try status()) {
      try #require(start.duration(to: .now) < patience, "the status did not become what was expected")
    }
  }

  /// Gives a message of credit for each message of a stream, and collects it to its end.
  func collect(_ session: String) throws -> Collected {
    var collected = Collected()
    while true {
      let message = try next()
      switch message.reply {
      case .frame(let frame) where frame.session == session: collected.frames.append(frame)
      case .media(let media) where media.session == session: collected.media.append(media)
      case .end(let end) where end.session == session:
        collected.end = end
        return collected
      default: throw Unexpected(message.reply)
      }
      collected.bytes += message.body ?? []
      try send(.credit(CreditRequest(session: session, count: 1)))
    }
  }
}

/// A stream as a client got it.
struct Collected {
  var frames: [FrameHeader] = []
  var media: [MediaHeader] = []
  var bytes: [UInt8] = []
  var end: StreamEnd?
}

/// A message came that the test does not want.
struct Unexpected: Error {
  let reply: Reply
  init(_ reply: Reply) { self.reply = reply }
}
