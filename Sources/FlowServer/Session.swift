// SPDX-License-Identifier: Apache-2.0

internal import DequeModule
internal import FlowDigest
internal import FlowGeneration
internal import FlowWire

/// One stream for one client, as a state machine: events in, actions out, no sockets, threads or clocks.
///
///     queued → waitingForModel → preparing → streaming → finishing → flushing → ended
///
/// Credit is what the client allows to be sent. A frame is generated only if what is under way and what waits
/// to be sent stay below credit + 1: a client that does not look costs one frame, not a processor. A client that was
/// lost costs nothing but memory until its lease is over, and may come back to the very message that it missed.
struct Session {
  /// How far a session is.
  enum Stage: Equatable {
    /// It waits for another session to end.
    case queued
    /// The model is being loaded.
    case waitingForModel
    /// The encoder is being opened.
    case preparing
    /// Frames are generated.
    case streaming
    /// The encoder makes its last chunks.
    case finishing
    /// What waits is sent as credit allows.
    case flushing
    /// Nothing will be sent any more, unless the client comes back for what it missed.
    case ended
  }

  /// The time bounds of a session.
  struct Timing {
    /// How long credit may be missing.
    var idle = Duration.seconds(60)
    /// How long nothing may be sent.
    var silence = Duration.seconds(1)
    /// How long a client may be lost.
    var lease = Duration.seconds(10)
  }

  /// Frames generated beyond what credit allows to send.
  static let lookahead = 1
  /// The same at the pace "asap", as long as they have fewer than so many bytes.
  static let longLookahead = 32
  static let lookaheadBytes = 16 << 20
  /// What a session that only sends any more may hold without taking a place.
  static let lingeringBytes = 1 << 20
  /// Frames asked of the generator at a time: one at work, one that waits, so that a control acts soon.
  static let generationDepth = 2
  /// Frames asked of the generator that the encoder has not taken yet; it may be the slower one.
  static let pipelineDepth = 4
  /// Snapshots that a session may have.
  static let snapshotLimit = 8

  let name: String
  let token: SessionToken
  let openID: String?
  /// What was asked for, without its image or start points once they have been used.
  var request: OpenRequest
  let timing: Timing
  let openedAt: Duration
  /// Taken where the request has none: that of the stream whose snapshot it begins at, or a random one.
  var seed = UInt64.random(in: .min ... .max)
  var stage = Stage.queued
  /// The place in the queue that the client was told last, 1 being next; 0 if none.
  var position = 0
  var plan: SessionPlan?
  var schedule = ActionSchedule(defaultAction: 0)
  var playback: PlaybackClock?
  /// Since when the client wants nothing to be made; nil if it wants it made.
  var pausedSince: Duration?
  var snapshots: [String: SnapshotPlace] = [:]
  var snapshotsTaken = 0
  var log: ActionLog?

  // What is under way.
  /// Frames, or batches of points, asked of the generator.
  var issued = 0
  /// Frames that came from the generator.
  var generated = 0
  /// Frames that the encoder has taken.
  var encoded = 0
  /// About the frames that are being generated, oldest first.
  var inGeneration: [FrameFacts] = []
  /// What was made and not sent, oldest first.
  var queue: Deque<StreamChunk> = []
  /// Frames before this one are dropped when they come from the encoder.
  var flushedBefore = 0

  // What the client allows and got.
  var credit: Int
  var creditMissingSince: Duration?
  /// Messages sent since the client gave credit last, which it may not have received yet.
  var sinceGrant = 0
  /// Since when the client cannot be reached; nil if it can.
  var lostSince: Duration?
  /// The index of the message that comes next.
  var sequence = 0
  var sent: SentRing
  /// What a client that came back missed.
  var resend: Deque<SentRing.Entry> = []
  var dropped = DropCount()
  var framesSent = 0
  var bytesSent = 0
  var digestSent = SHA256()
  var lastSent: Duration

  /// Where the server has kept the stream, if it is known when the session comes back to life.
  var recorded: RecordedFile?

  // How it shall end.
  /// No frame from this index on is generated; nil goes on.
  var frameLimit: Int?
  var endReason = StreamEnd.Reason.done
  var endID: String?
  /// What to tell before the last word.
  var failure: WireError?
  var deadline: Duration?

  /// A session that has not been let in yet.
  init(name: String, openID: String?, request: OpenRequest, timing: Timing, now: Duration) {
    self.name = name
    token = SessionToken()
    self.openID = openID
    self.request = request
    self.timing = timing
    credit = request.credit
    sent = SentRing(window: request.credit)
    log = request.wantsLog ? ActionLog() : nil
    openedAt = now
    lastSent = now
  }

  /// Takes an event and says what is to be done, in order.
  mutating func handle(_ event: SessionEvent, at now: Duration) -> [SessionAction] {
    // The one thing that may still happen to a session that has ended.
    if case .resumed(let wish, let id) = event { return resume(wish, id, now) }
    guard stage != .ended else { return [] }
    switch event {
    case .position(let position): return queued(at: position, now)
    case .admitted: return admitted()
    case .modelReady(let model): return modelReady(model, now)
    case .prepared(let image): return prepared(image, now)
    case .credit(let count, let id): return grant(count, id, now)
    case .control(let control, let id): return steer(control, id, now)
    case .snapshot(let id): return takeSnapshot(id)
    case .snapshotTaken(let name, let bytes, let id): return snapshotTaken(name, bytes, id, now)
    case .rewind(let wish, let id): return rewind(wish, id, now)
    case .cancel(let id):
      endID = id
      return end(.cancelled, now)
    case .close(let id):
      endID = id
      return wind(down: .done, now)
    case .generated(let unit, let milliseconds): return unitGenerated(unit, milliseconds, now)
    case .encoded(let chunks): return chunksEncoded(chunks, now)
    case .finished(let chunks):
      enqueue(chunks)
      stage = .flushing
      return advance(now)
    case .generatorFailed(let error): return generatorFailed(error, now)
    case .failed(let error): return fail(error, now)
    case .drain(let deadline):
      self.deadline = deadline
      return wind(down: .drained, now)
    case .unreachable: return lose(now)
    case .resumed: return []
    case .tick: return tick(now)
    }
  }

  /// How many frames or points have been generated.
  var amountGenerated: Int { plan?.amount(of: generated) ?? 0 }

  /// Whether `opened` has been sent.
  var isOpen: Bool { stage != .queued && stage != .waitingForModel && stage != .preparing }

  /// Whether it takes one of the daemon's places: what is only sent any more does not, as long as it is little.
  var takesPlace: Bool {
    switch stage {
    case .queued, .ended: false
    case .flushing: queueBytes + sent.byteCount > Self.lingeringBytes
    case .waitingForModel, .preparing, .streaming, .finishing: true
    }
  }

  /// Bytes of what was made and not sent.
  var queueBytes: Int { queue.reduce(0) { $0 + $1.bytes.count } }

  /// Whether the client can be reached, as far as is known.
  var isHeld: Bool { lostSince == nil }

  /// What the session waits for.
  var phase: Progress.Phase {
    if stage == .queued { return .queued }
    if !isOpen { return .loading }
    if !isHeld { return .lost }
    if pausedSince != nil { return .paused }
    if credit == 0 { return .credit }
    return issued == generated ? .encoding : .generating
  }
}
