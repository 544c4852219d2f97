// SPDX-License-Identifier: Apache-2.0

import FlowServer
import FlowWire
import Testing

@Suite("Snapshots, forks, going back, and logs of streams", .timeLimit(.minutes(1)))
struct SnapshotTests {
  /// A stream that has read some frames and stands still there.
  private static func stand(
    _ client: borrowing TestClient, at count: Int
  ) throws -> (opened: Opened, bodies: [[UInt8]]) {
    let opened = try client.open(OpenRequest(model: "pattern", seed: 5, credit: count))
    return (opened, try bodies(client, opened.session, count))
  }

  private static func bodies(
    _ client: borrowing TestClient, _ session: String, _ count: Int
  ) throws -> [[UInt8]] {
    var bodies: [[UInt8]] = []
    while bodies.count < count {
      let message = try client.next()
      guard case .frame(let frame) = message.reply, frame.session == session else { continue }
      bodies.append(message.body ?? [])
    }
    return bodies
  }

  private static func snapshot(_ client: borrowing TestClient, _ session: String) throws -> SnapshotTaken {
    try client.send(.snapshot(session: session), id: "snapshot")
    let message = try client.next()
    guard case .snapshot(let taken) = message.reply, message.id == "snapshot" else {
      throw Unexpected(message.reply)
    }
    return taken
  }

  @Test("a stream from a snapshot goes on as the first does; with a seed of its own it may not")
  func fork() throws {
    let daemon = try TestDaemon { $0.maximumSessions = 4 }, client = try daemon.connect()
    let (opened, seen) = try Self.stand(client, at: 7)
    let taken = try Self.snapshot(client, opened.session)
    // One frame more than credit allows had been made.
    #expect(taken.frame == seen.count + 1 && taken.bytes > 0)
    try client.send(.credit(CreditRequest(session: opened.session, count: 5)))
    let rest = try Self.bodies(client, opened.session, 5)
    let fork = try client.open(OpenRequest(model: "pattern", frames: 4, snapshot: taken.snapshot))
    #expect(fork.seed == opened.seed)
    #expect(try Self.bodies(client, fork.session, 4) == Array(rest[1...]))
    #expect(try client.nextEnd().session == fork.session)
    let other = try client.open(OpenRequest(model: "pattern", seed: 6, frames: 4, snapshot: taken.snapshot))
    #expect(try Self.bodies(client, other.session, 4) != Array(rest[1...]))
  }

  @Test("a stream that goes back makes once more what it made after the snapshot")
  func rewind() throws {
    let daemon = try TestDaemon(), client = try daemon.connect()
    let (opened, _) = try Self.stand(client, at: 3)
    let taken = try Self.snapshot(client, opened.session)
    try client.send(.credit(CreditRequest(session: opened.session, count: 4)))
    let first = try Self.bodies(client, opened.session, 4)
    try client.send(.rewind(RewindRequest(session: opened.session, snapshot: taken.snapshot, number: 9)))
    guard case .controlAcknowledged(let reply) = try client.next().reply else { throw Unexpected(.pong) }
    #expect(reply.number == 9 && reply.outcome == .applied(frame: 8))
    try client.send(.credit(CreditRequest(session: opened.session, count: 4)))
    // Frame 7 had been made already.
    #expect(try Self.bodies(client, opened.session, 4)[1...] == first[1...])
  }

  @Test("a snapshot is its client's, lives as long as its session, and is of one model")
  func whose() throws {
    let daemon = try TestDaemon { $0.maximumSessions = 4 }, client = try daemon.connect()
    let (opened, _) = try Self.stand(client, at: 1)
    let taken = try Self.snapshot(client, opened.session)
    let stranger = try daemon.connect()
    try stranger.send(.open(OpenRequest(model: "pattern", snapshot: taken.snapshot)))
    #expect(try stranger.nextFailure().failure.error.field == "from.snapshot")
    try client.send(.open(OpenRequest(model: "odd", snapshot: taken.snapshot)))
    #expect(try client.nextFailure().failure.error.field == "model")
    try client.send(.cancel(.session(opened.session)))
    _ = try client.nextEnd()
    try client.send(.open(OpenRequest(model: "pattern", snapshot: taken.snapshot)))
    #expect(try client.nextFailure().failure.error.code == .notFound)
  }

  @Test("seed and log of a steered stream make it once more in another daemon, to the byte")
  func replay() throws {
    let client = try TestDaemon().connect()
    let opened = try client.open(
      OpenRequest(model: "pattern", frames: 60, plan: .hold("left"), wantsLog: true))
    for number in 1...3 {
      let plan = ActionPlan.runs([try ActionRun("right", number), try ActionRun("left", 2)])
      try client.send(.control(ControlRequest(session: opened.session, number: number, plan: plan)))
      guard case .controlAcknowledged = try nextControl(client, opened.session) else {
        throw Unexpected(.pong)
      }
    }
    var end: StreamEnd?
    while end == nil {
      let reply = try client.next().reply
      if case .frame = reply { try client.send(.credit(CreditRequest(session: opened.session, count: 1))) }
      if case .end(let last) = reply { end = last }
    }
    let log = try #require(end?.log)
    #expect(log.reduce(0) { $0 + $1.count } == 60 && Set(log.map(\.name)).count > 1)
    let other = try TestDaemon().connect()
    let again = try other.open(
      OpenRequest(model: "pattern", seed: opened.seed, frames: 60, plan: .runs(log), wantsLog: true))
    let copy = try #require(try other.collect(again.session).end)
    #expect(copy.sha256 == end?.sha256 && copy.log == log)
  }

  /// Reads frames, giving credit, until a control is acknowledged.
  private func nextControl(_ client: borrowing TestClient, _ session: String) throws -> Reply {
    while true {
      let reply = try client.next().reply
      guard case .frame = reply else { return reply }
      try client.send(.credit(CreditRequest(session: session, count: 1)))
    }
  }
}
