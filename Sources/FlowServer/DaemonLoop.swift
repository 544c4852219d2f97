// SPDX-License-Identifier: Apache-2.0

internal import FlowGeneration
internal import FlowTensor
internal import FlowWire
internal import FlowZeroMQ
internal import Logging

/// The thread of the sockets: it owns the router and all sessions, and does what the sessions say.
struct DaemonLoop: ~Copyable {
  /// A session and who holds it: nobody, if the client was lost.
  struct Seat {
    var session: Session
    var peer: Peer?
    /// The key of whoever opened it; nobody else may have it.
    let key: CurvePublicKey?
  }

  /// A session that has ended, for a client that did not get all of it.
  struct Tail {
    var session: Session
    var end: StreamEnd
    let peer: Peer?
    let key: CurvePublicKey?
    let time: Duration
    /// What was measured of it.
    let measure: SessionMeasure?

    /// Whether nobody can come back for it.
    var isOver: Bool { end.reason == .cancelled || end.reason == .lease || session.plan == nil }
  }

  var configuration: ServerConfiguration
  let logger: Logger
  let compute: ComputeWorker
  let encode: EncodeWorker
  /// Nil if there is no folder for recordings.
  let recorder: RecordWorker?
  let events: Mailbox<WorkerEvent>
  let start = ContinuousClock.now
  var router: Router
  var models: ModelTable
  var seats: [String: Seat] = [:]
  /// The sessions that wait for a place, in the order in which they came.
  var waiting: [String] = []
  /// Sessions that ended lately, for clients that ask again.
  var ended: [Tail] = []
  /// Who wants to know what becomes of a model.
  var modelQuestions: [(model: String, id: String?, peer: Peer)] = []
  /// Recordings that are not in their place yet, by session.
  var recordings: [String: RecordingSeat] = [:]
  /// Nil if nobody may watch.
  let observers: ObserverSocket?
  /// The streams that may be watched, by session.
  var observed: [String: ObservedStream] = [:]
  /// Clients that turned out to be gone while something was sent to them.
  var gone: Set<Peer> = []
  /// Since when there is no session; nil while there is one, or once what the last ones took has been given back.
  var emptySince: Duration?
  /// Whether there has been a session since memory was given back.
  private var hasServed = false
  private static let emptyPause = Duration.seconds(2)
  /// When the sessions were told last that time has passed, and the least time between two such words.
  var tickedAt = Duration.zero
  private static let shortestTick = Duration.milliseconds(10)
  var drainDeadline: Duration?
  var isAborted = false
  var sessionsOpened = 0
  var framesGenerated = 0
  var pointsGenerated = 0
  var operations: Operations

  init(
    configuration: ServerConfiguration, logger: Logger, router: consuming Router, models: ModelTable,
    compute: ComputeWorker, encode: EncodeWorker, recorder: RecordWorker?, observers: ObserverSocket?,
    events: Mailbox<WorkerEvent>, operations: Operations
  ) {
    self.configuration = configuration
    self.logger = logger
    self.router = router
    self.models = models
    self.compute = compute
    self.encode = encode
    self.recorder = recorder
    self.observers = observers
    self.events = events
    self.operations = operations
  }

  /// The time since the start.
  var now: Duration { start.duration(to: .now) }

  /// Serves until the daemon has been asked to stop and its sessions have ended.
  mutating func run() throws(ZeroMQError) {
    preload()
    report()
    while !isFinished {
      let others = observers.map { [$0.pollItem] } ?? []
      try router.wait(or: events.fileDescriptor, others, milliseconds: bounded(patience))
      for event in events.take() { take(event) }
      // Before messages: a client that has come back under its old name is not the one that was lost.
      gone.formUnion(router.retry())
      dismissGone()
      // A bounded number at a time, so that clients who ask without end cannot keep streams waiting.
      for _ in 0..<64 {
        guard let message = try router.receive() else { break }
        answer(message.parts, message.peer)
      }
      try welcomeObservers()
      tick()
      dismissGone()
      letIn()
      forgetTails()
      giveBackMemory()
      report()
    }
    closeRecordings()
    try router.linger(milliseconds: isAborted ? 0 : 1000)
  }

  /// Tells the sessions that time has passed: not at each turn of the loop, which every frame makes three of.
  private mutating func tick() {
    let time = now
    let isDue = seats.values.contains { seat in seat.session.nextDue.map { $0 <= time } ?? false }
    guard isDue || time - tickedAt >= Self.shortestTick else { return }
    tickedAt = time
    for name in seats.keys.sorted() { handle(name, .tick) }
  }

  private var isFinished: Bool {
    guard let drainDeadline else { return false }
    let isIdle = !router.hasWaiting && recordings.isEmpty
    return isAborted || seats.isEmpty && (isIdle || now >= drainDeadline)
  }

  /// Milliseconds after which something may be due without any message.
  private var patience: Int {
    if router.hasWaiting { return 5 }
    if seats.isEmpty, emptySince == nil, ended.allSatisfy({ $0.session.sent.isEmpty }), drainDeadline == nil {
      return -1
    }
    let due = seats.values.compactMap { $0.session.nextDue }.min()
    // Rounded up: a loop that wakes before the time would wake once more.
    return due.map { min(100, max(0, ($0 - now).milliseconds + 1)) } ?? 100
  }

  private mutating func take(_ event: WorkerEvent) {
    switch event {
    case .session(let name, let event):
      if case .generated(let unit, _) = event { count(unit) }
      handle(name, event)
    case .model(let name, let outcome): modelArrived(name, outcome)
    case .recording(let name, let event): take(name, event)
    case .users(let users): install(users)
    case .forgotten(let name): streamForgotten(name)
    case .reconfigure(let configuration): reconfigure(configuration)
    case .logStatus: logStatus()
    case .stop(let isUrgent): stop(isUrgent: isUrgent)
    }
  }

  private mutating func count(_ unit: StreamUnit) {
    switch unit {
    case .image: framesGenerated += 1
    case .points(let batch): pointsGenerated += batch.shape[0]
    }
  }

  private mutating func stop(isUrgent: Bool) {
    // A request to drain that follows does not take back an abort.
    isAborted = isAborted || isUrgent
    guard drainDeadline == nil else { return }
    logger.info("draining", metadata: ["sessions": .stringConvertible(seats.count)])
    let deadline = now + configuration.drainTimeout
    drainDeadline = deadline
    tellStopping()
    for name in seats.keys.sorted() { handle(name, .drain(until: deadline)) }
  }

  /// Gives what sessions took back to the system when none has been there for a while: until then others may need it.
  private mutating func giveBackMemory() {
    guard seats.isEmpty else {
      hasServed = true
      emptySince = nil
      return
    }
    guard hasServed else { return }
    let since = emptySince ?? now
    emptySince = since
    guard now - since >= Self.emptyPause else { return }
    TensorMemory.releaseUnused()
    (emptySince, hasServed) = (nil, false)
  }

  /// Gives an event to a session and does what it says; a session that is gone has nothing to say.
  mutating func handle(_ name: String, _ event: SessionEvent) {
    guard !waitsForFile(name, event) else { return }
    let time = now
    let actions = seats[name]?.session.handle(event, at: time) ?? []
    measure(event, actions, of: name, at: time)
    for action in actions { perform(action, name) }
  }

  private mutating func perform(_ action: SessionAction, _ name: String) {
    switch action {
    case .prepare(let plan): encode.post(.prepare(session: name, plan))
    case .begin(let beginning):
      guard let model = seats[name]?.session.plan?.model else { return }
      compute.post(.begin(session: name, model: model, beginning))
    case .generate(_, let action): compute.post(.generate(session: name, action: action))
    case .snapshot(let snapshot, let id): compute.post(.snapshot(session: name, snapshot, id: id))
    case .rewind(let snapshot): compute.post(.rewind(session: name, snapshot))
    case .encode(let unit, let facts): encode.post(.encode(session: name, unit, facts))
    case .finish: encode.post(.finish(session: name))
    case .send(let reply, let id, let body):
      record(name, reply, body)
      observe(name, reply, body)
      // Nobody is told anything while the client is lost; what it misses is kept.
      if let peer = seats[name]?.peer { send(reply, id, body, to: peer) }
    case .releaseHolder: seats[name]?.peer = nil
    case .release(let end): release(name, end)
    }
  }

  private mutating func release(_ name: String, _ end: StreamEnd) {
    observeEnd(end)
    guard let seat = seats.removeValue(forKey: name) else { return }
    waiting.removeAll { $0 == name }
    compute.post(.forget(session: name))
    encode.post(.forget(session: name))
    keepTail(
      Tail(
        session: seat.session, end: end, peer: seat.peer, key: seat.key, time: now,
        measure: operations.measures.removeValue(forKey: name)))
    finishRecording(end)
    logger.info(
      "session ended",
      metadata: [
        "sid": "\(name)", "reason": "\(end.reason.rawValue)", "frames": .stringConvertible(end.frames),
        "points": .stringConvertible(end.points ?? 0), "dur_ms": .stringConvertible(end.milliseconds),
      ])
  }

  mutating func send(_ reply: Reply, _ id: String?, _ body: [UInt8]? = nil, to peer: Peer) {
    if case .error(let failure) = reply {
      operations.metrics.add(.errors, ["code": failure.error.code.rawValue])
    }
    guard !gone.contains(peer), !holdEnd(reply, id, peer) else { return }
    let header = ReplyMessage(id: id, reply).header()
    if router.send(body.map { [header, $0] } ?? [header], to: peer) == .unreachable { gone.insert(peer) }
  }

  /// Ends the sessions of clients that are gone.
  private mutating func dismissGone() {
    for peer in gone {
      router.forget(peer)
      for (name, seat) in seats where seat.peer?.identity == peer.identity { handle(name, .unreachable) }
    }
    gone = []
  }
}
