// SPDX-License-Identifier: Apache-2.0

import FlowServer
import FlowTestSupport
import FlowWire
import FlowZeroMQ
import Glibc
import Testing

@Suite("Streams that are watched", .timeLimit(.minutes(1)))
struct ObserverTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("who watches sees the bytes that the client gets, without its token")
  func bytes() throws {
    let daemon = try daemon(), client = try daemon.connect()
    let opened = try client.open(request(frames: 6, credit: 1))
    // The first frame comes before anybody watches.
    let first = try #require(try client.next().body)
    let watcher = try Watcher(daemon, topic: "\(opened.session) ")
    let beginning = try watcher.next()
    #expect(beginning.topic == "\(opened.session) opened" && !beginning.header.contains(opened.tenancy.token))
    #expect(!beginning.header.contains("token") && beginning.header.contains("server_ms"))
    try client.send(.credit(CreditRequest(session: opened.session, count: 8)))
    let stream = try client.collect(opened.session)
    var bytes: [UInt8] = []
    while true {
      let message = try watcher.next()
      if message.topic == "\(opened.session) end" { break }
      #expect(message.topic == "\(opened.session) frame")
      bytes += try #require(message.body)
    }
    // Compared as a truth: a failure would print all bytes.
    let isSame = bytes == stream.bytes
    #expect(isSame && stream.frames.count == 5 && bytes.count == 5 * first.count)
  }

  @Test("who comes late to a container gets its beginning first")
  func late() throws {
    let daemon = try daemon(), client = try daemon.connect()
    let opened = try client.open(request(frames: 0, credit: 3, format: StreamFormat(.fmp4, gop: 1)))
    var first: [UInt8]?
    for _ in 0..<3 {
      let message = try client.next()
      if case .media(let header) = message.reply, header.kind == .initial { first = message.body }
    }
    let watcher = try Watcher(daemon, topic: "")
    #expect(try watcher.next().topic == "\(opened.session) opened")
    let beginning = try watcher.next()
    #expect(beginning.topic == "\(opened.session) media" && beginning.body == first && first != nil)
    try client.send(.cancel(.session(opened.session)))
    while try watcher.next().topic != "\(opened.session) end" {}
  }

  @Test("a stream whose client does not allow it cannot be watched")
  func unwatched() throws {
    let daemon = try daemon(), client = try daemon.connect()
    let hidden = try client.open(OpenRequest(model: "pattern", frames: 3))
    let watcher = try Watcher(daemon, topic: "")
    _ = try client.collect(hidden.session)
    let seen = try client.open(request(frames: 1, credit: 1))
    #expect(try watcher.next().topic == "\(seen.session) opened")
  }

  @Test("the daemon tells where it can be watched, and refuses the wish where it cannot")
  func told() throws {
    let daemon = try daemon(), client = try daemon.connect()
    try client.send(.hello(client: nil))
    guard case .welcome(let welcome) = try client.next().reply else { throw NoWelcome() }
    #expect(welcome.observers == daemon.daemon.observers && welcome.observers != nil)
    try client.send(.capabilities(model: nil))
    guard case .capabilities(let can) = try client.next().reply else { throw NoWelcome() }
    #expect(can.features.contains("observe"))

    let blind = try TestDaemon(), other = try blind.connect()
    try other.send(.open(request(frames: 1, credit: 1)))
    let failure = try other.nextFailure().failure
    #expect(failure.error.code == .forbidden && failure.error.field == "observe")
  }

  @Test("an endpoint beyond this machine needs keys, and the error names the flag")
  func endpoint() throws {
    #expect(throws: StartError.self) { try TestDaemon { $0.observers = "tcp://0.0.0.0:0" } }
    let path = "\(folder.path)/letter"
    #expect(close(creat(path, 0o600)) == 0)
    let error = try #require(throws: StartError.self) { try TestDaemon { $0.observers = "ipc://\(path)" } }
    #expect(error.description.contains("--observers"))
  }

  @Test("a watcher who reads nothing holds nobody up")
  func snail() throws {
    let daemon = try daemon(), client = try daemon.connect()
    let watcher = try Watcher(daemon, topic: "")
    let opened = try client.open(request(frames: 2000, credit: 64))
    #expect(try watcher.next().topic == "\(opened.session) opened")
    #expect(try client.collect(opened.session).end?.reason == .done)
  }

  private func daemon() throws -> TestDaemon {
    try TestDaemon { [folder] in $0.observers = "ipc://\(folder.path)/observers" }
  }

  private func request(frames: Int, credit: Int, format: StreamFormat = .plain) throws -> OpenRequest {
    var open = try OpenRequest(model: "pattern", seed: 1, frames: frames, credit: credit, format: format)
    open.isObserved = true
    return open
  }
}

private struct NoWelcome: Error {}

/// Somebody who watches.
private struct Watcher: ~Copyable {
  private let socket: Socket

  init(_ daemon: TestDaemon, topic: String) throws {
    let socket = try Socket(Context(), .subscriber)
    try socket.set(.receiveTimeout, 20_000)
    try socket.set(.subscription, Array(topic.utf8))
    try socket.connect(#require(daemon.daemon.observers))
    self.socket = socket
  }

  func next() throws -> (topic: String, header: String, body: [UInt8]?) {
    let parts = try #require(try socket.receive(), "no message came")
    return (
      String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self),
      parts.count > 2 ? parts[2] : nil
    )
  }
}
