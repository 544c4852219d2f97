// SPDX-License-Identifier: Apache-2.0

import FlowDigest
import FlowWire
import Testing

@testable import FlowServer

@Suite("Sessions whose clients are lost and come back")
struct HoldingTests {
  @Test("a lost client is told nothing, nothing is made for it, and its lease ends")
  func lease() throws {
    var stage = try Stage.open(credit: 2)
    stage.work()
    let before = stage.sent.count, issued = stage.session.issued
    stage.happen(.unreachable)
    #expect(!stage.isHeld && stage.session.phase == .lost)
    stage.now = .milliseconds(9_999)
    stage.happen(.tick)
    stage.work()
    #expect(stage.last == nil && stage.session.issued == issued)
    stage.now = .seconds(10)
    stage.happen(.tick)
    #expect(stage.last?.reason == .lease && stage.sent.count == before)
  }

  @Test("a client that is lost before its session is open has no session")
  func lostWhileLoading() throws {
    var stage = try Stage()
    stage.happen(.admitted)
    stage.happen(.unreachable)
    #expect(stage.last?.reason == .lease)
  }

  @Test("whoever comes back gets the very messages that it missed, for credit, and then the others")
  func resume() throws {
    var stage = try Stage.open(frames: 12, credit: 5)
    stage.work()
    let sent = stage.sent.dropFirst(), bodies = stage.bodies
    stage.happen(.unreachable)
    try stage.resume(from: 2, credit: 2)
    guard case .opened(let opened) = stage.sent.last(where: { if case .opened = $0 { true } else { false } })
    else { throw Unexpected(.pong) }
    #expect(opened.tenancy.isResumed && opened.tenancy.nextSequence == 2)
    #expect(opened.tenancy.token == stage.session.token.hexadecimal && stage.ids.contains("back"))
    #expect(Array(stage.sent.suffix(2)) == Array(sent[(sent.startIndex + 2)..<(sent.startIndex + 4)]))
    #expect(Array(stage.bodies.suffix(2)) == Array(bodies[2..<4]))
    for _ in 0..<9 {
      stage.happen(.credit(1, id: nil))
      stage.work()
      if stage.isFinishing { stage.finish() }
    }
    #expect(stage.frames == [0, 1, 2, 3, 4] + Array(2..<12))
    #expect(stage.last?.reason == .done && stage.last?.frames == 12)
    #expect(stage.last?.sha256 == stage.digest.hexadecimal())
  }

  @Test("what is not kept any more is gone, and the oldest message that is kept is told")
  func gone() throws {
    var stage = try Stage.open(credit: 1)
    for _ in 0..<40 {
      stage.work()
      stage.happen(.credit(1, id: nil))
    }
    stage.happen(.unreachable)
    let failure = try #require(#expect(throws: WireError.self) { try stage.resume(from: 3) })
    #expect(failure.code == .gone && failure.field == "resume.from_seq")
    #expect(failure.oldest == stage.session.sequence - 16)
    let ahead = #expect(throws: WireError.self) { try stage.resume(from: stage.session.sequence + 1) }
    #expect(ahead?.code == .badRequest && !stage.session.isHeld)
    try stage.resume(from: failure.oldest ?? 0)
    #expect(stage.session.isHeld)
  }

  @Test("all that a client may ever have under way is kept")
  func window() throws {
    var stage = try Stage.open(credit: 1)
    stage.happen(.credit(99, id: nil))
    stage.work()
    stage.happen(.unreachable)
    try stage.resume(from: 0, credit: 100)
    #expect(stage.frames == Array(0..<100) + Array(0..<100))
  }

  @Test("the end of a session that is over comes once more for whoever missed it")
  func tail() throws {
    var stage = try Stage.open(frames: 3, credit: 3)
    stage.work()
    stage.finish()
    let end = try #require(stage.last)
    try stage.resume(from: 1)
    #expect(stage.frames == [0, 1, 2, 1, 2])
    #expect(stage.last == end && stage.ends.count == 2)
  }

  @Test(
    "however often a client is lost and comes back, it ends with the same bytes", arguments: 0..<64)
  func anyLoss(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    var stage = try Stage.open(frames: 30, credit: 3)
    var received: [UInt8] = [], seen = 0
    for _ in 0..<4000 where stage.last == nil {
      switch random.next() % 12 {
      case 0..<4 where !stage.generating.isEmpty: stage.generate()
      case 4..<8 where !stage.encoding.isEmpty: stage.encode()
      case 8 where stage.isFinishing: stage.finish()
      case 9:
        // What was sent and not read when the connection broke is lost.
        stage.happen(.unreachable)
        seen = stage.bodies.count
        try stage.resume(from: received.count, credit: 1 + Int(random.next() % 4))
      default:
        guard seen < stage.bodies.count else {
          stage.happen(.tick)
          continue
        }
        received += stage.bodies[seen]
        seen += 1
        stage.happen(.credit(1, id: nil))
      }
    }
    while seen < stage.bodies.count {
      received += stage.bodies[seen]
      seen += 1
    }
    #expect(received == (0..<30).map { UInt8($0) })
    #expect(stage.last?.sha256 == stage.digest.hexadecimal(), "seed \(seed)")
  }

  @Test("messages that were dropped are not missing, wherever a client goes on")
  func holes() {
    var ring = SentRing(window: 16)
    #expect(ring.oldest == 0)
    for sequence in [0, 1, 5, 9] {
      ring.append(SentRing.Entry(sequence: sequence, reply: .pong, body: [0]))
    }
    #expect(ring.oldest == 0 && ring.messages(from: 3).map(\.sequence) == [5, 9])
    for sequence in 10..<24 { ring.append(SentRing.Entry(sequence: sequence, reply: .pong, body: [0])) }
    #expect(ring.oldest == 2 && ring.messages(from: ring.oldest).first?.sequence == 5)
    ring.removeAll()
    #expect(ring.oldest == 24 && ring.byteCount == 0)
  }

  @Test("what is given before the last grant was read counts as under way")
  func laterGrant() throws {
    var stage = try Stage.open(credit: 8)
    stage.work()
    stage.happen(.credit(32, id: nil))
    stage.work()
    stage.happen(.unreachable)
    try stage.resume(from: 0, credit: 40)
    #expect(stage.frames == Array(0..<40) + Array(0..<40))
  }

  @Test("a stream that ended while it was paused is sent whole to whoever comes back")
  func pausedTail() throws {
    var stage = try Stage.open(credit: 8)
    stage.work()
    stage.happen(.control(try ControlRequest(session: "s1", pauses: true), id: nil))
    stage.now = .seconds(61)
    stage.happen(.tick)
    #expect(stage.last?.reason == .idle)
    let sent = stage.frames.count
    try stage.resume(from: 0, credit: 1)
    stage.happen(.tick)
    for _ in 1..<sent { stage.happen(.credit(1, id: nil)) }
    #expect(stage.frames.count == 2 * sent && stage.last?.reason == .idle)
  }
}
