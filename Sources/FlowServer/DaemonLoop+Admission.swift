// SPDX-License-Identifier: Apache-2.0

internal import FlowGeneration
internal import FlowWire
internal import Logging

extension DaemonLoop {
  /// Takes a client's wish for a stream, or says at once why not.
  mutating func admit(_ open: OpenRequest, _ id: String?, _ peer: Peer) throws(WireError) {
    guard drainDeadline == nil else {
      throw WireError(.draining, "the daemon is about to stop; try again when it is back")
    }
    let user = try user(peer)
    try models.seen(by: user).check(open.model)
    try checkRecording(open)
    try checkObservers(open)
    var seed: UInt64?
    if let snapshot = open.snapshot { seed = try self.seed(of: snapshot, model: open.model, peer) }
    try checkSessions(of: user)
    if !hasPlace || !waiting.isEmpty { try checkQueue() }
    sessionsOpened += 1
    let name = "s\(sessionsOpened)"
    let timing = Session.Timing(idle: configuration.idleTimeout, lease: configuration.lease)
    var session = Session(name: name, openID: id, request: open, timing: timing, now: now)
    if let seed { session.seed = seed }
    seats[name] = Seat(session: session, peer: peer, key: peer.key)
    waiting.append(name)
    logger.info("session opened", metadata: ["sid": "\(name)", "model": "\(open.model)"])
    beginRecording(name, open, peer)
    letIn()
  }

  /// Lets sessions in that wait, as far as there are places, and tells the others where they stand.
  mutating func letIn() {
    guard drainDeadline == nil else { return }
    // Nobody behind the first one shall take the memory that it waits for.
    while hasPlace, let name = waiting.first, let model = seats[name]?.session.request.model,
      hasMemory(for: model)
    {
      waiting.removeFirst()
      handle(name, .admitted)
      seatAtModel(name, model)
    }
    for (index, name) in waiting.enumerated() { handle(name, .position(index + 1)) }
  }

  /// Whether another session may begin; of those that only send any more, which take no place, there are as many at most.
  private var hasPlace: Bool {
    let most = configuration.maximumSessions
    return seats.values.count { $0.session.takesPlace } < most && seats.count - waiting.count < 2 * most
  }

  private func checkQueue() throws(WireError) {
    guard configuration.maximumQueue > 0 else {
      throw WireError(
        .sessionLimit,
        "\(configuration.maximumSessions) sessions are open, which is the limit; try again when one has ended"
      )
    }
    guard waiting.count < configuration.maximumQueue else {
      throw WireError(
        .queueFull, "\(waiting.count) sessions wait already, which is the limit; try again later")
    }
  }

  // MARK: - Models

  /// Lets a session go on if its model is there, and sees to it that it will be.
  mutating func seatAtModel(_ session: String, _ model: String) {
    models.use(model, at: now)
    switch models[model] {
    case .ready(let description): seat(session, at: description)
    case .loading: break
    case .failed(let error, let time) where now - time < configuration.modelRetryPause:
      // A client that asks again and again must not keep the compute thread from everybody's streams.
      handle(session, .failed(error))
    // A bundle that failed may have been mended.
    case .absent, .failed: load(model)
    }
  }

  /// Has a model loaded, if the memory for it can be had.
  mutating func load(_ name: String) {
    do throws(WireError) {
      try makeRoom(for: name)
    } catch {
      // Not the model's fault: it is tried again as soon as somebody wants it.
      return settle(name, .failure(error))
    }
    models[name] = .loading
    compute.post(.load(name))
  }

  /// Lets a session begin if the memory for its cache is there; else it waits, in its old place, until another ends.
  private mutating func seat(_ name: String, at model: ServedModelDescription) {
    if let budget = configuration.cacheBudget, model.bytesPerStream > budget {
      let error = WireError(
        .cacheBudget,
        "a stream of \(model.name) holds \(model.bytesPerStream) bytes; this daemon has \(budget) for all streams, so take "
          + "another model", field: "model", retryable: false)
      return handle(name, .failed(error))
    }
    if hasMemory(for: model) { return handle(name, .modelReady(model)) }
    let openedAt = seats[name]?.session.openedAt ?? now
    let index = waiting.firstIndex { (seats[$0]?.session.openedAt ?? now) > openedAt } ?? waiting.endIndex
    waiting.insert(name, at: index)
    handle(name, .position(index + 1))
  }

  /// Whether a stream of a model may begin; of one that is not loaded, or never fits, that is seen later.
  private func hasMemory(for name: String) -> Bool {
    guard case .ready(let model) = models[name] else { return true }
    return model.bytesPerStream > configuration.cacheBudget ?? .max || hasMemory(for: model)
  }

  /// Whether there is memory for another stream of a model, or for a snapshot of one.
  func hasMemory(for model: ServedModelDescription) -> Bool {
    configuration.cacheBudget.map { cacheBytes + model.bytesPerStream <= $0 } ?? true
  }

  /// Bytes that the streams and snapshots of all sessions hold.
  var cacheBytes: Int { seats.values.reduce(0) { $0 + $1.session.cacheBytes } }

  /// A model is loaded, or is not.
  mutating func modelArrived(_ name: String, _ outcome: Result<ServedModelDescription, WireError>) {
    switch outcome {
    case .success(let description):
      models[name] = .ready(description)
      logger.info("model loaded", metadata: ["model": "\(name)", "sha256": "\(description.sha256)"])
    case .failure(let error):
      models.fail(name, error, at: now)
      logger.error("model failed", metadata: ["model": "\(name)", "reason": "\(error.message)"])
    }
    settle(name, outcome)
  }

  /// Tells those who wait for a model what became of it.
  private mutating func settle(_ name: String, _ outcome: Result<ServedModelDescription, WireError>) {
    answerModelQuestions(name, outcome)
    // Files that are no good spoil nothing where the model is there.
    if case .failure = outcome, case .ready = models[name] { return }
    let sessions = seats.filter { $1.session.request.model == name && $1.session.stage == .waitingForModel }
    // Those first that have waited longest: memory may not be there for all.
    for (session, _) in sessions.sorted(by: { $0.value.session.openedAt < $1.value.session.openedAt }) {
      switch outcome {
      case .success(let description): seat(session, at: description)
      case .failure(let error): handle(session, .failed(error))
      }
    }
  }
}
