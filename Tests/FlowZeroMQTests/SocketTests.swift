// SPDX-License-Identifier: Apache-2.0

import FlowZeroMQ
import Testing

@Suite("Sockets", .timeLimit(.minutes(1)))
struct SocketTests {
  @Test("a message keeps its bytes and the end of its parts", arguments: [0, 1, 29, 30, 33, 100_000])
  func messages(count: Int) throws {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    let message = try Message(bytes)
    #expect(message.count == count)
    #expect(message.bytes == bytes)
    #expect(message.hasMore == false)
  }

  @Test("a dealer and a router exchange messages of several parts, empty ones among them")
  func exchange() throws {
    let context = try Context()
    let router = try Socket(context, .router)
    try router.bind("tcp://127.0.0.1:*")
    let dealer = try Socket(context, .dealer)
    try dealer.set(.routingIdentity, Array("me".utf8))
    try dealer.connect(router.lastEndpoint())
    #expect(try dealer.send([[1, 2], [], [3]]))
    #expect(try router.receive() == [Array("me".utf8), [1, 2], [], [3]])
    #expect(try router.send([Array("me".utf8), [], [4]]))
    #expect(try dealer.receive() == [[], [4]])
  }

  @Test("parts beyond the limit are thrown away, and the next message begins where it should")
  func limit() throws {
    let context = try Context()
    let router = try Socket(context, .router)
    try router.bind("tcp://127.0.0.1:*")
    let dealer = try Socket(context, .dealer)
    try dealer.set(.routingIdentity, [7])
    try dealer.connect(router.lastEndpoint())
    #expect(try dealer.send([[UInt8]](repeating: [1], count: 1000)))
    #expect(try dealer.send([[2]]))
    #expect(try router.receive(keeping: 3) == [[7], [1], [1]])
    #expect(try router.receive(keeping: 3) == [[7], [2]])
  }

  @Test("receiving without waiting says when there is nothing")
  func nothing() throws {
    let dealer = try Socket(Context(), .dealer)
    #expect(try dealer.receive(wait: false) == nil)
    try dealer.set(.receiveTimeout, 1)
    #expect(try dealer.receive() == nil)
  }

  @Test("sending without waiting says when there is no room")
  func noRoom() throws {
    let dealer = try Socket(Context(), .dealer)
    #expect(try dealer.send([[1]], wait: false) == false)
  }

  @Test("a mandatory router says that a peer is not there")
  func unreachable() throws {
    let router = try Socket(Context(), .router)
    try router.set(.routerMandatory, true)
    try router.bind("tcp://127.0.0.1:*")
    let error = #expect(throws: ZeroMQError.self) { try router.send([[9], [1]], wait: false) }
    #expect(error?.code == ZeroMQError.hostUnreachable)
  }

  @Test("a failing call says what it was about and what the code means")
  func errors() throws {
    let socket = try Socket(Context(), .router)
    let error = #expect(throws: ZeroMQError.self) { try socket.bind("nonsense") }
    #expect("\(try #require(error))" == "bind nonsense: Invalid argument (22)")
  }

  @Test("polling tells which of a socket and a wake-up is ready")
  func polling() throws {
    let context = try Context()
    let router = try Socket(context, .router)
    try router.bind("tcp://127.0.0.1:*")
    let wakeUp = try WakeUp()
    var items = [PollItem(router, .input), PollItem(fileDescriptor: wakeUp.fileDescriptor, .input)]
    #expect(try poll(&items, milliseconds: 0) == 0)
    wakeUp.signal()
    wakeUp.signal()
    #expect(try poll(&items, milliseconds: -1) == 1)
    #expect(items.map(\.ready) == [[], .input])
    wakeUp.clear()
    #expect(try poll(&items, milliseconds: 0) == 0)
    let dealer = try Socket(context, .dealer)
    try dealer.connect(router.lastEndpoint())
    #expect(try dealer.send([[1]]))
    #expect(try poll(&items, milliseconds: -1) == 1)
    #expect(items.map(\.ready) == [.input, []])
  }
}
