// SPDX-License-Identifier: Apache-2.0

import FlowServer
import FlowWire
import Testing

@Suite("Sessions that wait for a place or for memory", .timeLimit(.minutes(1)))
struct QueueTests {
  private static func position(_ client: borrowing TestClient) throws -> (id: String?, position: Int) {
    let message = try client.next()
    guard case .queued(let queued) = message.reply else { throw Unexpected(message.reply) }
    return (message.id, queued.position)
  }

  @Test("who comes late is told its place, moves up, and begins when it is its turn")
  func turns() throws {
    let daemon = try TestDaemon { $0.maximumSessions = 1 }
    let client = try daemon.connect()
    let first = try client.open(OpenRequest(model: "pattern", credit: 1)).session
    _ = try client.next()
    for (index, id) in ["b", "c"].enumerated() {
      try client.send(.open(OpenRequest(model: "pattern", seed: 1, frames: 1)), id: id)
      #expect(try Self.position(client) == (id, index + 1))
    }
    #expect(try client.status().sessions.map(\.phase) == [.credit, .queued, .queued])
    try client.send(.cancel(.session(first)))
    #expect(try client.nextEnd().session == first)
    guard case (nil, let moved) = (nil as Int?, try Self.position(client)) else { throw Unexpected(.pong) }
    #expect(moved == ("c", 1))
    let opened = try client.next()
    #expect(opened.id == "b")
    var ends = 0
    while ends < 2 { if case .end = try client.next().reply { ends += 1 } }
  }

  @Test("one that waits can be cancelled, and one too many is refused")
  func full() throws {
    let daemon = try TestDaemon {
      $0.maximumSessions = 1
      $0.maximumQueue = 1
    }
    let client = try daemon.connect()
    _ = try client.open(OpenRequest(model: "pattern", credit: 1))
    _ = try client.next()
    try client.send(.open(OpenRequest(model: "pattern")), id: "b")
    #expect(try Self.position(client) == ("b", 1))
    try client.send(.open(OpenRequest(model: "pattern")), id: "c")
    let refusal = try client.nextFailure()
    #expect(refusal.id == "c" && refusal.failure.error.code == .queueFull && refusal.failure.error.retryable)
    try client.send(.cancel(.request("b")))
    #expect(try client.nextEnd().reason == .cancelled)
    try client.send(.open(OpenRequest(model: "pattern")), id: "d")
    #expect(try Self.position(client) == ("d", 1))
  }

  @Test("streams for whose caches there is no memory wait; one that never fits is refused")
  func memory() throws {
    let bytes = 16 * 12 * 3
    let daemon = try TestDaemon {
      $0.maximumSessions = 4
      $0.cacheBudget = bytes
    }
    let client = try daemon.connect()
    let first = try client.open(OpenRequest(model: "pattern", credit: 1)).session
    _ = try client.next()
    try client.send(.open(OpenRequest(model: "pattern", frames: 1)), id: "b")
    #expect(try Self.position(client) == ("b", 1))
    try client.send(.cancel(.session(first)))
    #expect(try client.nextEnd().reason == .cancelled)
    #expect(try client.next().id == "b")
    let small = try TestDaemon { $0.cacheBudget = bytes - 1 }
    let other = try small.connect()
    try other.send(.open(OpenRequest(model: "pattern")), id: "a")
    let error = try other.nextFailure().failure.error
    #expect(error.code == .cacheBudget && error.field == "model" && !error.retryable)
  }

  @Test("a snapshot for which there is no memory is refused, and the stream goes on")
  func snapshotMemory() throws {
    let daemon = try TestDaemon { $0.cacheBudget = 16 * 12 * 3 }
    let client = try daemon.connect()
    let session = try client.open(OpenRequest(model: "pattern", credit: 1)).session
    _ = try client.next()
    try client.send(.snapshot(session: session), id: "s")
    let refusal = try client.nextFailure()
    #expect(
      refusal.id == "s" && refusal.failure.error.code == .cacheBudget && refusal.failure.error.retryable)
    try client.send(.credit(CreditRequest(session: session, count: 1)))
    guard case .frame = try client.next().reply else { throw Unexpected(.pong) }
  }

  @Test("a daemon that drains refuses those that wait")
  func drain() throws {
    let daemon = try TestDaemon { $0.maximumSessions = 1 }
    let client = try daemon.connect()
    _ = try client.open(OpenRequest(model: "pattern", credit: 1))
    _ = try client.next()
    try client.send(.open(OpenRequest(model: "pattern")), id: "b")
    #expect(try Self.position(client) == ("b", 1))
    daemon.daemon.drain()
    let refusal = try client.nextFailure()
    #expect(refusal.id == "b" && refusal.failure.error.code == .draining)
  }
}
