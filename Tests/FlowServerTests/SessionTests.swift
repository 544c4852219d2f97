// SPDX-License-Identifier: Apache-2.0

import FlowDigest
import FlowWire
import Testing

@testable import FlowServer

@Suite("A session, without sockets, threads or clocks")
struct SessionTests {
  @Test("a session opens when its model and its encoder are ready, and asks for two frames at a time")
  func opening() throws {
    var stage = try Stage()
    stage.happen(.admitted)
    #expect(stage.session.phase == .loading)
    stage.happen(.modelReady(Stage.model))
    #expect(stage.sent.isEmpty)
    stage.happen(.prepared(nil))
    guard case .opened(let opened) = stage.sent.first else { throw Unexpected(.pong) }
    #expect(opened.session == "s1" && opened.seed == 1)
    #expect(stage.generating == [0, 1])
    stage.generate()
    #expect(stage.generating == [1, 2])
  }

  @Test("a session whose model fails says so under the id of the open, and nothing else")
  func modelFailure() throws {
    var stage = try Stage()
    stage.happen(.admitted)
    let error = WireError(.modelFailed, "the tensor x is short")
    stage.happen(.failed(error))
    #expect(stage.sent == [.error(Failure(error))])
    #expect(stage.last?.reason == .error)
  }

  @Test("frames are sent while credit lasts, and one more is made")
  func credit() throws {
    var stage = try Stage.open(credit: 3)
    while !stage.generating.isEmpty || !stage.encoding.isEmpty {
      if stage.encoding.isEmpty { stage.generate() } else { stage.encode() }
    }
    #expect(stage.frames == [0, 1, 2])
    #expect(stage.session.generated == 4 && stage.session.phase == .credit)
    stage.happen(.credit(1, id: nil))
    #expect(stage.frames == [0, 1, 2, 3])
    #expect(stage.generating == [4])
  }

  @Test("a stream ends when its frames are sent and its encoder has ended, and not before credit allows")
  func ending() throws {
    var stage = try Stage.open(frames: 2, credit: 2, format: StreamFormat(.fmp4))
    stage.generate()
    stage.generate()
    stage.encode(chunks: 2)
    #expect(!stage.isFinishing)
    stage.encode(chunks: 0)
    #expect(stage.isFinishing)
    stage.finish(chunks: 1)
    #expect(stage.ends.isEmpty)
    stage.happen(.credit(1, id: nil))
    #expect(stage.ends.count == 1 && stage.last?.reason == .done)
    #expect(stage.last?.bytes == 3 && stage.last?.sha256 == stage.digest.hexadecimal())
  }

  @Test("a cancelled session ends at once, and the digest is that of what was sent")
  func cancelling() throws {
    var stage = try Stage.open(credit: 1)
    stage.generate()
    stage.encode()
    let digest = stage.digest.hexadecimal()
    stage.generate()
    stage.encode()
    stage.happen(.cancel(id: nil))
    #expect(stage.ends.map(\.frames) == [1] && stage.last?.sha256 == digest)
    stage.happen(.generated(.image(Stage.image), milliseconds: 1))
    stage.happen(.tick)
    #expect(stage.ends.count == 1)
  }

  @Test("when the generator fails, what it made before is sent, then the error, then the end")
  func generatorFailure() throws {
    var stage = try Stage.open(credit: 1)
    stage.generate()
    stage.generate()
    let error = WireError(.numerical, "the output is not finite")
    stage.happen(.generatorFailed(error))
    stage.encode()
    stage.encode()
    stage.finish()
    #expect(stage.frames == [0] && stage.last == nil)
    stage.happen(.credit(1, id: nil))
    #expect(stage.frames == [0, 1])
    #expect(stage.sent.suffix(2).first == .error(Failure(session: "s1", error)))
    #expect(stage.ends.map(\.reason) == [.error] && stage.last?.frames == 2)
  }

  @Test("a silent session says each second how far it is, and after a minute without credit it ends")
  func time() throws {
    var stage = try Stage.open(credit: 1)
    stage.generate()
    stage.encode()
    let before = stage.sent.count
    for second in 1...60 {
      stage.now = .milliseconds(second * 1000 - 1)
      stage.happen(.tick)
      #expect(stage.sent.count == before + second - 1)
      stage.now = .seconds(second)
      stage.happen(.tick)
    }
    #expect(stage.sent.count == before + 60)
    #expect(stage.ends.map(\.reason) == [.idle])
  }

  @Test("a session that is not open yet shows each second that it is loading, under the id of the open")
  func loading() throws {
    var stage = try Stage(credit: 3)
    stage.happen(.admitted)
    let life = Reply.progress(
      Progress(session: "s1", phase: .loading, done: 0, total: 0, creditLeft: 3))
    stage.now = .milliseconds(999)
    stage.happen(.tick)
    #expect(stage.sent.isEmpty)
    stage.now = .seconds(1)
    stage.happen(.tick)
    stage.happen(.modelReady(Stage.model))
    stage.now = .seconds(2)
    stage.happen(.tick)
    #expect(stage.sent == [life, life] && stage.ids == ["r1", "r1"])
  }

  @Test("control and credit before a session is open are refused, and credit stays as it was")
  func tooEarly() throws {
    var stage = try Stage(credit: 3)
    stage.happen(.control(try ControlRequest(session: "s1", plan: .hold("left")), id: "c"))
    stage.happen(.credit(1000, id: "d"))
    let codes = stage.sent.map { reply in
      if case .error(let failure) = reply { failure.error.code } else { nil as WireError.Code? }
    }
    #expect(codes == [.conflict, .conflict] && stage.ids == ["c", "d"])
    #expect(stage.session.credit == 3 && stage.last == nil)
  }

  @Test("a control that would make the plan too long is refused by name, and replacing it is not")
  func longPlan() throws {
    var stage = try Stage.open()
    let action = try ActionRun("left", 1)
    for frame in [0, 1] {
      let runs = [ActionRun](repeating: action, count: ActionSchedule.maximumSegments / 2)
      let place = frame == 0 ? 10 : 10 + runs.count
      let plan = ActionPlan.runs(runs)
      stage.happen(.control(try ControlRequest(session: "s1", place: .frame(place), plan: plan), id: nil))
    }
    guard case .error(let failure) = stage.sent.last else { throw Unexpected(.pong) }
    #expect(failure.error.code == .badRequest && failure.error.field == "actions")
    stage.happen(.control(try ControlRequest(session: "s1", plan: .hold("left")), id: nil))
    guard case .controlAcknowledged = stage.sent.last else { throw Unexpected(.pong) }
  }

  @Test("draining before a session is open refuses it, and afterwards bounds how long it may take")
  func draining() throws {
    var waiting = try Stage()
    waiting.happen(.drain(until: .seconds(2)))
    guard case .error(let failure) = waiting.sent.last else { throw Unexpected(.pong) }
    #expect(failure.error.code == .draining && waiting.last != nil)
    var open = try Stage.open(credit: 1)
    open.happen(.drain(until: .seconds(2)))
    open.now = .seconds(2)
    open.happen(.tick)
    #expect(open.ends.map(\.reason) == [.drained])
  }

  @Test(
    "whatever happens in whatever order, credit is kept, messages have no holes, and the end comes once",
    arguments: 0..<64)
  func anyOrder(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    let frames = Int(random.next() % 40)
    var granted = Int(random.next() % 8) + 1
    var stage = try Stage.open(frames: frames, credit: granted)
    for _ in 0..<400 where stage.last == nil {
      switch random.next() % 16 {
      case 0..<6 where !stage.generating.isEmpty: stage.generate()
      case 6..<11 where !stage.encoding.isEmpty: stage.encode()
      case 11..<14:
        granted += 1
        stage.happen(.credit(1, id: nil))
      case 14 where stage.isFinishing: stage.finish()
      case 15 where random.next() % 40 == 0: stage.happen(.close(id: nil))
      default: stage.happen(.tick)
      }
      #expect(stage.frames == Array(0..<stage.frames.count))
      #expect(stage.frames.count <= granted)
      #expect(stage.session.issued <= granted + Session.lookahead)
      #expect(
        stage.generating.count <= Session.generationDepth
          && stage.session.issued - stage.session.encoded <= Session.pipelineDepth)
      #expect(stage.ends.count == (stage.last == nil ? 0 : 1), "seed \(seed)")
    }
    if frames > 0, let last = stage.last, last.reason == .done { #expect(last.frames <= frames) }
  }

  @Test("a stream that failed does not end as whole because its client closes it")
  func failedAndClosed() throws {
    var stage = try Stage.open(credit: 1)
    stage.work()
    stage.happen(.generatorFailed(WireError(.numerical, "not finite")))
    stage.happen(.close(id: "c1"))
    if stage.isFinishing { stage.finish() }
    stage.happen(.credit(8, id: nil))
    #expect(stage.ends.first?.reason == .error && stage.failure?.code == .numerical)
  }

  @Test("a session that waits is cancelled under the id of the cancel")
  func cancelledWhileWaiting() throws {
    var stage = try Stage()
    stage.happen(.position(1))
    stage.happen(.cancel(id: "c1"))
    #expect(stage.ends.count == 1 && stage.ids.last == "c1")
  }

  @Test("what a session holds that only sends any more takes a place if it is much")
  func lingering() throws {
    var stage = try Stage.open(frames: 3, credit: 1)
    stage.work()
    stage.finish()
    #expect(stage.session.stage == .flushing && !stage.session.takesPlace)
    let large = [UInt8](repeating: 0, count: Session.lingeringBytes + 1)
    stage.session.queue.append(
      StreamChunk(bytes: large, firstFrame: 3, frames: 1, isKey: true, digest: SHA256(), facts: nil))
    #expect(stage.session.takesPlace)
  }
}

/// SplitMix64.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
