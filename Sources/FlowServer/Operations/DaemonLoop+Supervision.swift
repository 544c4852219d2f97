// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import Logging

extension DaemonLoop {
  /// The least time between two snapshots.
  private static let shortestPeriod = Duration.milliseconds(50)

  /// Has the models loaded that the configuration names, as far as they are not there.
  mutating func preload() {
    switch configuration.preload {
    case .all: operations.preloaded = models.names
    case .names(let names): operations.preloaded = names
    }
    for name in operations.preloaded {
      switch models[name] {
      case .absent, .failed: load(name)
      case .loading, .ready: break
      }
      if case .absent = models[name] {
        logger.warning(
          "model-memory has no room for a model of the start; it is loaded when somebody asks",
          metadata: ["model": "\(name)"])
        operations.preloaded.removeAll { $0 == name }
      }
    }
  }

  /// Tells whoever wants to know how the daemon is; called at each turn of the loop, so that one that hangs is noticed.
  mutating func report() {
    let time = now
    if !operations.hasBeenReady, isSettled { operations.hasBeenReady = true }
    noteStuckCompute()
    let readiness = readiness
    tellSupervisor(readiness, time)
    publish(readiness, time)
  }

  /// Milliseconds to wait, -1 being for ever: as many as `wanted`, or fewer if something is to be told before.
  func bounded(_ wanted: Int) -> Int {
    var bounds: [Int] = []
    if operations.board != nil {
      let period = operations.owesSnapshot ? Self.shortestPeriod : StatusBoard.period
      bounds.append(period.milliseconds)
    }
    if let supervisor = operations.supervisor {
      if operations.hasBeenReady, !operations.hasToldReady { bounds.append(Self.shortestPeriod.milliseconds) }
      if let heartbeat = supervisor.heartbeat {
        // A stuck daemon does not hurry to say so.
        bounds.append(isStuck ? 100 : max(1, (heartbeat - (now - (operations.fedAt ?? now))).milliseconds))
      }
    }
    guard let bound = bounds.min() else { return wanted }
    return wanted < 0 ? bound : min(wanted, bound)
  }

  // MARK: - Readiness

  /// How the daemon is.
  var readiness: Readiness {
    if drainDeadline != nil { return .draining }
    if isStuck {
      let seconds = operations.pulse.busy.components.seconds
      return .degraded("the compute thread has been at one thing for \(seconds) s", model: nil)
    }
    let names = operations.preloaded
    let untried = names.filter { !models.isTried($0) }
    if !operations.hasBeenReady, let next = untried.first {
      return .loading(model: next, done: names.count - untried.count, total: names.count)
    }
    for name in names {
      if case .failed(let error, _) = models[name] { return .degraded(error.message, model: name) }
    }
    return .ready
  }

  /// Whether every model of the start has been tried, and one of them, if there are any, can be used.
  private var isSettled: Bool {
    let names = operations.preloaded
    let isUsable = names.isEmpty || names.contains { if case .ready = models[$0] { true } else { false } }
    return isUsable && names.allSatisfy { models.isTried($0) }
  }

  private var isStuck: Bool { operations.pulse.busy >= configuration.computeTimeout }

  private mutating func noteStuckCompute() {
    guard isStuck != operations.wasStuck else { return }
    operations.wasStuck.toggle()
    if operations.wasStuck {
      logger.error(
        "the compute thread does not come back",
        metadata: ["seconds": .stringConvertible(operations.pulse.busy.components.seconds)])
    } else {
      logger.notice("the compute thread has come back")
    }
  }

  // MARK: - The service manager

  private mutating func tellSupervisor(_ readiness: Readiness, _ time: Duration) {
    guard let supervisor = operations.supervisor else { return }
    if operations.hasBeenReady, !operations.hasToldReady, drainDeadline == nil {
      operations.hasToldReady = told(supervisor.tell("READY=1"))
    }
    // One line: what a model's loader says may be several.
    let line = "\(readiness.line); sessions: \(seats.count) of \(configuration.maximumSessions)"
      .replacing("\n", with: " ")
    if line != operations.toldStatus, told(supervisor.tell("STATUS=\(line)")) { operations.toldStatus = line }
    guard let heartbeat = supervisor.heartbeat, !isStuck else { return }
    if let last = operations.fedAt, time - last < heartbeat { return }
    if told(supervisor.tell("WATCHDOG=1")) { operations.fedAt = time }
  }

  /// Tells the service manager that the daemon is about to stop, and how long that may take.
  func tellStopping() {
    guard let supervisor = operations.supervisor else { return }
    // A second for the last messages, and two to spare.
    let bound = (configuration.drainTimeout + .seconds(3)).microseconds
    _ = told(supervisor.tell("STOPPING=1", "EXTEND_TIMEOUT_USEC=\(bound)"))
  }

  private func told(_ isTold: Bool) -> Bool {
    if !isTold { logger.warning("the service manager does not listen at NOTIFY_SOCKET") }
    return isTold
  }

  // MARK: - Snapshots

  private mutating func publish(_ readiness: Readiness, _ time: Duration) {
    guard let board = operations.board else { return }
    let isDue = operations.publishedAt.map { time - $0 >= Self.shortestPeriod } ?? true
    operations.owesSnapshot = !isDue && readiness == operations.publishedReadiness
    if operations.owesSnapshot { return }
    operations.publishedAt = time
    operations.publishedReadiness = readiness
    setGauges()
    board.publish(StatusSnapshot(readiness: readiness, status: status(for: nil), metrics: operations.metrics))
  }

  /// Writes the status to the log.
  func logStatus() {
    let status = JSONMetadata(value: .object(status(for: nil).json))
    logger.notice("status", metadata: ["status": .stringConvertible(status)])
  }

  /// Takes over another configuration; nil keeps the old one. Either way the models are looked at again.
  mutating func reconfigure(_ new: ServerConfiguration?) {
    if let new { configuration = new }
    preload()
    // Whoever was told of a reload waits to hear that it is over.
    operations.hasToldReady = false
  }
}

extension ModelTable {
  /// Whether it is known if a model can be used.
  fileprivate func isTried(_ name: String) -> Bool {
    switch self[name] {
    case .ready, .failed: true
    case .absent, .loading: false
    }
  }
}
