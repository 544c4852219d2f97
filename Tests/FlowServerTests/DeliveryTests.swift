// SPDX-License-Identifier: Apache-2.0

import FlowDigest
import FlowWire
import Testing

@testable import FlowServer

@Suite("Pace, policy, pauses and the queue of sessions")
struct DeliveryTests {
  @Test("a session in the queue is told its place when that changes, and each second")
  func queue() throws {
    var stage = try Stage()
    for position in [2, 2, 1, 1] { stage.happen(.position(position)) }
    #expect(stage.sent == [2, 1].map { .queued(Queued(session: "s1", position: $0)) })
    stage.now = .seconds(1)
    stage.happen(.tick)
    #expect(stage.sent.count == 3 && stage.session.phase == .queued)
    stage.happen(.admitted)
    stage.happen(.modelReady(Stage.model))
    stage.happen(.prepared(nil))
    #expect(stage.session.isOpen)
  }

  @Test("at the pace asap more is made than credit allows, and not without bound")
  func asap() throws {
    var stage = try Stage.open(credit: 1, delivery: Delivery(pace: .asap))
    stage.work()
    #expect(stage.frames == [0] && stage.session.generated == 1 + Session.longLookahead)
  }

  @Test("dropping the oldest keeps as many as the first credit, and marks and counts the holes")
  func dropOldest() throws {
    var stage = try Stage.open(frames: 20, credit: 2, delivery: Delivery(policy: .dropOldest))
    stage.work()
    stage.finish()
    #expect(stage.frames == [0, 1])
    stage.happen(.credit(2, id: nil))
    let headers = stage.sent.compactMap { if case .frame(let frame) = $0 { frame } else { nil } }
    #expect(headers.map(\.sequence) == [0, 1, 18, 19] && headers.map(\.dropped) == [0, 0, 16, 0])
    let end = try #require(stage.last)
    #expect(end.frames == 4 && end.dropped == 16)
    var digest = SHA256()
    digest.update(stage.bodies.flatMap { $0 })
    #expect(end.sha256 == digest.hexadecimal())
  }

  @Test("the latest frame is all that waits")
  func latest() throws {
    var stage = try Stage.open(frames: 9, credit: 1, delivery: Delivery(policy: .latest))
    stage.work()
    stage.finish()
    stage.happen(.credit(1, id: nil))
    #expect(stage.frames == [0, 8] && stage.last?.dropped == 7)
  }

  @Test("frames are made ahead of playback by so much and no more, and a stall moves the clock")
  func media() throws {
    // 35 frames a second; 100 ms are three and a half of them.
    var stage = try Stage.open(credit: 100, delivery: Delivery(pace: .media, aheadMilliseconds: 100))
    stage.work()
    #expect(stage.session.generated == 4)
    let due = try #require(stage.session.nextDue)
    #expect(due > .zero && due < .milliseconds(15))
    stage.now = due
    stage.happen(.tick)
    stage.work()
    #expect(stage.session.generated == 5)
    stage.now = .seconds(10)
    stage.happen(.tick)
    stage.work()
    #expect(stage.session.generated == 5 + 4, "what was missed is not made up for")
  }

  @Test("a flush drops what was made and not sent, also what is being made")
  func flush() throws {
    var stage = try Stage.open(credit: 1, delivery: Delivery(pace: .asap))
    for _ in 0..<6 { stage.generate(); stage.encode() }
    #expect(stage.session.queue.count == 5)
    let issued = stage.session.issued
    stage.happen(.control(try ControlRequest(session: "s1", plan: .hold("left"), flushes: true), id: nil))
    stage.work()
    stage.happen(.credit(1, id: nil))
    guard case .frame(let next) = stage.sent.last(where: { if case .frame = $0 { true } else { false } })
    else { throw Unexpected(.pong) }
    #expect(next.sequence == issued && next.dropped == issued - 1 && next.action == "left")
  }

  @Test("streams of which nothing can be left out are neither flushed nor dropped")
  func whole() throws {
    var stage = try Stage.open(format: StreamFormat(.fmp4))
    stage.happen(.control(try ControlRequest(session: "s1", flushes: true), id: nil))
    #expect(stage.failure?.field == "flush")
    #expect(throws: WireError.self) {
      try OpenRequest(model: "m", format: StreamFormat(.y4m), delivery: Delivery(policy: .latest))
    }
  }

  @Test("a paused stream makes nothing, and ends as idle if it is forgotten")
  func pause() throws {
    var stage = try Stage.open(credit: 8)
    stage.happen(.control(try ControlRequest(session: "s1", pauses: true), id: nil))
    stage.work()
    #expect(stage.session.issued == 2 && stage.session.phase == .paused)
    stage.happen(.control(try ControlRequest(session: "s1", pauses: false), id: nil))
    stage.work()
    #expect(stage.frames.count == 8)
    stage.happen(.control(try ControlRequest(session: "s1", pauses: true), id: nil))
    // Neither credit nor being asked again makes it less forgotten.
    stage.now = .seconds(30)
    stage.happen(.credit(1, id: nil))
    stage.happen(.control(try ControlRequest(session: "s1", pauses: true), id: nil))
    stage.now = .seconds(60)
    stage.happen(.tick)
    #expect(stage.last?.reason == .idle)
  }

  @Test("the log tells which action each frame that was sent was made with")
  func log() throws {
    var stage = try Stage.open(frames: 6, credit: 6, wantsLog: true)
    stage.happen(
      .control(try ControlRequest(session: "s1", place: .frame(2), plan: .hold("left")), id: nil))
    stage.happen(
      .control(try ControlRequest(session: "s1", place: .frame(5), plan: .hold("right")), id: nil))
    stage.work()
    stage.finish()
    #expect(try stage.last?.log == [ActionRun("stay", 2), ActionRun("left", 3), ActionRun("right", 1)])
  }

  @Test("a log that no message would hold is not sent, and all else is")
  func longLog() throws {
    let count = 16_000
    var stage = try Stage.open(frames: count, credit: 1024, wantsLog: true)
    let runs = try (0..<count).map { try ActionRun($0 % 2 == 0 ? "left" : "right", 1) }
    stage.happen(.control(try ControlRequest(session: "s1", plan: .runs(runs)), id: nil))
    while stage.last == nil {
      stage.work()
      if stage.isFinishing { stage.finish() } else { stage.happen(.credit(1, id: nil)) }
    }
    #expect(stage.last?.frames == count && stage.last?.log == nil)
  }

  @Test("snapshots have names, and there are eight of them at most")
  func snapshots() throws {
    var stage = try Stage.open(credit: 8)
    stage.happen(.snapshot(id: "a"))
    stage.happen(.snapshotTaken("s1-1", bytes: 100, id: "a"))
    guard case .snapshot(let taken) = stage.sent.last else { throw Unexpected(.pong) }
    #expect(taken == SnapshotTaken(session: "s1", snapshot: "s1-1", frame: 2, bytes: 100))
    stage.happen(.rewind(try RewindRequest(session: "s1", snapshot: "s1-1"), id: "b"))
    stage.happen(.rewind(try RewindRequest(session: "s1", snapshot: "s1-2"), id: "c"))
    #expect(stage.failure?.code == .notFound && stage.others == ["snapshot s1-1", "rewind s1-1"])
    for _ in 0..<8 { stage.happen(.snapshot(id: nil)) }
    #expect(stage.failure?.code == .cacheBudget && stage.session.snapshots.count == 8)
  }
}
