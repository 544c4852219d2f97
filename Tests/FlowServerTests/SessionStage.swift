// SPDX-License-Identifier: Apache-2.0

import FlowDigest
import FlowGeneration
import FlowWire

@testable import FlowServer

/// Plays generator, encoder and client to one session, by hand and without time.
struct Stage {
  var session: Session
  var now = Duration.zero
  /// Whether somebody holds the session.
  var isHeld = true
  /// What was to be done beside making and sending frames.
  var others: [String] = []
  /// Frames that the session asked for and did not get.
  var generating: [Int] = []
  /// Frames that the encoder has and did not give back.
  var encoding: [FrameFacts] = []
  var isFinishing = false
  var sent: [Reply] = []
  /// The bodies that were sent, in order.
  var bodies: [[UInt8]] = []
  /// Under which request's id each was sent.
  var ids: [String?] = []
  var last: StreamEnd?
  var digest = SHA256()

  static let model = ServedModelDescription.video(PatternModel("pattern").description)
  static let image = RGBImage(width: 16, height: 12, pixels: [UInt8](repeating: 0, count: 16 * 12 * 3))

  init(
    frames: Int = 0, credit: Int = 8, format: StreamFormat = .plain, delivery: Delivery = .plain,
    wantsLog: Bool = false
  ) throws {
    let request = try OpenRequest(
      model: "pattern", seed: 1, frames: frames, credit: credit, format: format, delivery: delivery,
      wantsLog: wantsLog)
    session = Session(name: "s1", openID: "r1", request: request, timing: Session.Timing(), now: .zero)
  }

  /// A session whose stream has begun.
  static func open(
    frames: Int = 0, credit: Int = 8, format: StreamFormat = .plain, delivery: Delivery = .plain,
    wantsLog: Bool = false
  ) throws -> Stage {
    var stage = try Stage(
      frames: frames, credit: credit, format: format, delivery: delivery, wantsLog: wantsLog)
    stage.happen(.admitted)
    stage.happen(.modelReady(model))
    stage.happen(.prepared(nil))
    return stage
  }

  mutating func happen(_ event: SessionEvent) {
    for action in session.handle(event, at: now) {
      if case .resumed = event { last = nil }
      precondition(last == nil, "something happened after the end")
      switch action {
      case .prepare, .begin: break
      case .generate(let frame, _): generating.append(frame)
      case .encode(_, let facts): encoding.append(facts)
      case .finish: isFinishing = true
      case .snapshot(let name, _): others.append("snapshot \(name)")
      case .rewind(let name): others.append("rewind \(name)")
      case .releaseHolder: isHeld = false
      case .send(let reply, let id, let body):
        guard isHeld else { continue }
        sent.append(reply)
        ids.append(id)
        bodies += body.map { [$0] } ?? []
      case .release(let end): last = end
      }
    }
  }

  /// The client comes back with the token.
  mutating func resume(from sequence: Int, credit: Int = 8) throws {
    let wish = try ResumeRequest(
      session: "s1", token: session.token.hexadecimal, firstSequence: sequence, credit: credit)
    try session.checkMayResume(wish)
    isHeld = true
    happen(.resumed(wish, id: "back"))
  }

  /// Generator and encoder make all that the session asks for.
  mutating func work() {
    while !generating.isEmpty || !encoding.isEmpty {
      if encoding.isEmpty { generate() } else { encode() }
    }
  }

  /// The last complaint.
  var failure: WireError? {
    sent.reversed().lazy.compactMap { if case .error(let failure) = $0 { failure.error } else { nil } }.first
  }

  /// The generator makes the oldest frame that is wanted.
  mutating func generate() {
    generating.removeFirst()
    happen(.generated(.image(Self.image), milliseconds: 1))
  }

  /// The encoder takes the oldest frame it has, and makes `count` chunks of it.
  mutating func encode(chunks count: Int = 1) {
    let facts = encoding.removeFirst()
    happen(.encoded((0..<count).map { _ in chunk(frame: facts.frame, facts) }))
  }

  mutating func chunk(frame: Int, _ facts: FrameFacts?) -> StreamChunk {
    let bytes = [UInt8(truncatingIfNeeded: frame)]
    digest.update(bytes)
    return StreamChunk(bytes: bytes, firstFrame: frame, frames: 1, isKey: true, digest: digest, facts: facts)
  }

  mutating func finish(chunks count: Int = 0) {
    isFinishing = false
    happen(.finished((0..<count).map { _ in chunk(frame: 0, nil) }))
  }

  var frames: [Int] {
    sent.compactMap { if case .frame(let frame) = $0 { frame.sequence } else { nil } }
  }

  var ends: [StreamEnd] { sent.compactMap { if case .end(let end) = $0 { end } else { nil } } }
}
