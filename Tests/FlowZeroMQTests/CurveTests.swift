// SPDX-License-Identifier: Apache-2.0

import FlowZeroMQ
import Testing

/// A server's end of CURVE in a context with a handler.
private struct Server: ~Copyable {
  let context: Context
  let socket: Socket
  let authentication: Authentication
  let pair: CurveKeyPair

  init() throws {
    let context = try Context()
    let authentication = try Authentication(context)
    let pair = try CurveKeyPair()
    let socket = try Socket(context, .router)
    try socket.set(.receiveTimeout, 20_000)
    try socket.serveCurve(pair.secretKey, domain: "test")
    try socket.bind("tcp://127.0.0.1:*")
    self.context = context
    self.authentication = authentication
    self.pair = pair
    self.socket = socket
  }

  /// What becomes of a client's connection after the transport is there, if `isKnown` decides who is let in.
  func fate(
    _ monitor: borrowing SocketMonitor, _ isKnown: (CurvePublicKey) -> Bool
  ) throws -> ConnectionEvent {
    let start = ContinuousClock.now
    while start.duration(to: .now) < .seconds(20) {
      try authentication.answer(isKnown)
      // Two sides that do not agree both hang up, and the one that is second learns nothing: libzmq tries again.
      let event = try monitor.next(milliseconds: 5)
      if let event, ![.connected, .brokenOff, .disconnected].contains(event) { return event }
    }
    throw Silence()
  }
}

private struct Silence: Error {}

@Suite("Connections with keys", .timeLimit(.minutes(1)))
struct CurveTests {
  @Test("who owns a key that is known is let in, and its messages carry the key")
  func knownKey() throws {
    let server = try Server()
    let client = try CurveKeyPair()
    let socket = try Socket(Context(), .dealer)
    try socket.useCurve(client, serverKey: server.pair.publicKey)
    let monitor = try SocketMonitor(socket)
    try socket.connect(server.socket.lastEndpoint())
    #expect(try server.fate(monitor) { $0 == client.publicKey } == .ready)
    #expect(try socket.send([[1], [2]]))
    let message = try #require(try server.socket.receiveNamed())
    #expect(message.user == client.publicKey.text)
    #expect(message.parts.dropFirst() == [[1], [2]])
    #expect(try server.socket.send([message.parts[0], [3]]))
    #expect(try socket.receive() == [[3]])
  }

  @Test("every message of one connection carries its key, also those that wait")
  func everyMessage() throws {
    let server = try Server()
    let client = try CurveKeyPair()
    let socket = try Socket(Context(), .dealer)
    try socket.useCurve(client, serverKey: server.pair.publicKey)
    let monitor = try SocketMonitor(socket)
    try socket.connect(server.socket.lastEndpoint())
    #expect(try server.fate(monitor) { _ in true } == .ready)
    for number in 0..<20 { #expect(try socket.send([[UInt8(number)]])) }
    for number in 0..<20 {
      // A poll makes libzmq look ahead, which is another way through its router.
      if number % 2 == 0 {
        var items = [PollItem(server.socket, .input)]
        try poll(&items, milliseconds: -1)
      }
      let message = try #require(try server.socket.receiveNamed())
      #expect(message.user == client.publicKey.text && message.parts[1] == [UInt8(number)])
    }
  }

  @Test("a key that is not known is refused in the handshake")
  func unknownKey() throws {
    let server = try Server()
    let socket = try Socket(Context(), .dealer)
    try socket.useCurve(CurveKeyPair(), serverKey: server.pair.publicKey)
    let monitor = try SocketMonitor(socket)
    try socket.connect(server.socket.lastEndpoint())
    #expect(try server.fate(monitor) { _ in false } == .refused(status: 400))
  }

  @Test("a client without a key does not get through the handshake")
  func noKey() throws {
    let server = try Server()
    let socket = try Socket(Context(), .dealer)
    let monitor = try SocketMonitor(socket)
    try socket.connect(server.socket.lastEndpoint())
    #expect(try server.fate(monitor) { _ in true } == .mismatched)
  }

  @Test(
    "a client that expects another server does not get through the handshake, and the handler is not asked")
  func otherServer() throws {
    let server = try Server()
    let socket = try Socket(Context(), .dealer)
    try socket.useCurve(CurveKeyPair(), serverKey: CurveKeyPair().publicKey)
    let monitor = try SocketMonitor(socket)
    try socket.connect(server.socket.lastEndpoint())
    #expect(try monitor.next(milliseconds: 20_000) == .connected)
    #expect(try monitor.next(milliseconds: 20_000) == .brokenOff)
    var questions = 0
    try server.authentication.answer { _ in
      questions += 1
      return true
    }
    #expect(questions == 0)
  }

  @Test("without a handler nobody is let in")
  func noHandler() throws {
    let pair = try CurveKeyPair()
    let server = try Socket(Context(), .router)
    try server.serveCurve(pair.secretKey, domain: "test")
    try server.bind("tcp://127.0.0.1:*")
    let socket = try Socket(Context(), .dealer)
    try socket.useCurve(CurveKeyPair(), serverKey: pair.publicKey)
    let monitor = try SocketMonitor(socket)
    try socket.connect(server.lastEndpoint())
    #expect(try monitor.next(milliseconds: 20_000) == .connected)
    #expect(try monitor.next(milliseconds: 20_000) == .brokenOff)
  }

  @Test("a second handler in a context is refused")
  func secondHandler() throws {
    let context = try Context()
    let first = try Authentication(context)
    let error = #expect(throws: ZeroMQError.self) { _ = try Authentication(context) }
    #expect(error?.code == ZeroMQError.addressInUse)
    withExtendedLifetime(first) {}
  }

  @Test(
    "a question that is not about a key of CURVE is answered with a refusal of the same number",
    arguments: [
      [], ["1.0"], ["1.0", "7"], ["1.0", "7", "d", "a", "i", "NULL"], ["1.0", "7", "d", "a", "i", "CURVE"],
      ["1.0", "7", "d", "a", "i", "CURVE", "short"],
      ["1.0", "7", "d", "a", "i", "PLAIN", "12345678901234567890123456789012"],
      ["2.0", "7", "d", "a", "i", "CURVE", "12345678901234567890123456789012"],
      ["1.0", "7", "d", "a", "i", "CURVE", "12345678901234567890123456789012", "more"],
    ])
  func strangeQuestions(question: [String]) throws {
    let context = try Context()
    let authentication = try Authentication(context)
    let asker = try Socket(context, .request)
    try asker.set(.receiveTimeout, 20_000)
    try asker.connect(Authentication.endpoint)
    #expect(try asker.send(question.isEmpty ? [[]] : question.map { Array($0.utf8) }))
    var items = [authentication.pollItem]
    try poll(&items, milliseconds: 20_000)
    try authentication.answer { _ in true }
    let reply = try #require(try asker.receive()).map { String(decoding: $0, as: UTF8.self) }
    #expect(reply == ["1.0", question.count > 1 ? "7" : "", "400", "this key may not connect", "", ""])
  }
}
