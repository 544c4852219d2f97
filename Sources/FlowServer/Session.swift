// SPDX-License-Identifier: Apache-2.0

internal import FlowDigest
internal import FlowGeneration
internal import FlowWire

/// One stream for one client, as a state machine: events in, actions out, no sockets, threads or clocks.
///
///     waitingForModel → preparing → streaming → finishing → flushing → ended
///
/// Credit is what the client allows to be sent. A frame is generated only if what is under way and what waits
/// to be sent stay below credit + 1: a client that does not look costs one frame, not a processor.
struct Session {
  /// How far a session is.
  enum Stage: Equatable {
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
    /// Nothing will be sent any more.
    case ended
  }

  /// The time bounds of a session.
  struct Timing {
    /// How long credit may be missing.
    var idle = Duration.seconds(60)
    /// How long nothing may be sent.
    var silence = Duration.seconds(1)
  }

  /// Frames generated beyond what credit allows to send.
  static let lookahead = 1
  /// Frames asked of the generator at a time: one at work, one that waits, so that a control acts soon.
  static let generationDepth = 2
  /// Frames asked of the generator that the encoder has not taken yet; it may be the slower one.
  static let pipelineDepth = 4

  let name: String
  let openID: String?
  let request: OpenRequest
  let timing: Timing
  let openedAt: Duration
  var stage = Stage.waitingForModel
  var plan: SessionPlan?
  var schedule = ActionSchedule(defaultAction: 0)

  // What is under way.
  /// Frames, or batches of points, asked of the generator.
  var issued = 0
  /// Frames that came from the generator.
  var generated = 0
  /// Frames that the encoder has taken.
  var encoded = 0
  /// About the frames that are being generated, oldest first.
  var inGeneration: [FrameFacts] = []
  var queue: [StreamChunk] = []

  // What the client allows and got.
  var credit: Int
  var creditMissingSince: Duration?
  var sequence = 0
  var framesSent = 0
  var bytesSent = 0
  var digestSent = SHA256()
  var lastSent: Duration

  // How it shall end.
  /// No frame from this index on is generated; nil goes on.
  var frameLimit: Int?
  var endReason = StreamEnd.Reason.done
  var endID: String?
  /// What to tell before the last word.
  var failure: WireError?
  var deadline: Duration?

  /// A session that waits for its model.
  init(name: String, openID: String?, request: OpenRequest, timing: Timing, now: Duration) {
    self.name = name
    self.openID = openID
    self.request = request
    self.timing = timing
    credit = request.credit
    openedAt = now
    lastSent = now
  }

  /// Takes an event and says what is to be done, in order.
  mutating func handle(_ event: SessionEvent, at now: Duration) -> [SessionAction] {
    guard stage != .ended else { return [] }
    switch event {
    case .modelReady(let model): return modelReady(model, now)
    case .prepared(let image): return prepared(image, now)
    case .credit(let count, let id): return grant(count, id, now)
    case .control(let control, let id): return steer(control, id, now)
    case .cancel(let id):
      endID = id
      return end(.cancelled, now)
    case .close(let id):
      endID = id
      return wind(down: .done, now)
    case .generated(let unit, let milliseconds): return unitGenerated(unit, milliseconds, now)
    case .encoded(let chunks):
      encoded += 1
      queue += chunks
      return advance(now)
    case .finished(let chunks):
      queue += chunks
      stage = .flushing
      return advance(now)
    case .generatorFailed(let error): return generatorFailed(error, now)
    case .failed(let error): return fail(error, now)
    case .drain(let deadline):
      self.deadline = deadline
      return wind(down: .drained, now)
    case .unreachable: return [release(.lease, now)]
    case .tick: return tick(now)
    }
  }

  /// How many frames or points have been generated.
  var amountGenerated: Int { plan?.amount(of: generated) ?? 0 }

  /// Whether `opened` has been sent.
  var isOpen: Bool { stage != .waitingForModel && stage != .preparing }

  /// What the session waits for.
  var phase: Progress.Phase {
    if !isOpen { return .loading }
    if credit == 0 { return .credit }
    return issued == generated ? .encoding : .generating
  }
}
