// SPDX-License-Identifier: Apache-2.0

internal import DequeModule
internal import FlowDigest
internal import FlowGeneration
internal import FlowWire

extension Session {
  /// Generates nothing more, but sends what is under way; a session that is not open yet ends at once.
  mutating func wind(down reason: StreamEnd.Reason, _ now: Duration) -> [SessionAction] {
    guard isOpen else {
      let error =
        reason == .drained
        ? WireError(.draining, "the daemon is about to stop; try again when it is back")
        : WireError(.cancelled, "the session was closed before it was open")
      return fail(error, now)
    }
    if stage == .streaming { frameLimit = issued }
    // A stream that failed is not whole, whatever is asked of it then.
    if failure == nil || reason == .error { endReason = reason }
    return advance(now)
  }

  /// Sends what was generated before a failure, then tells it.
  mutating func generatorFailed(_ error: WireError, _ now: Duration) -> [SessionAction] {
    issued = generated
    inGeneration = []
    failure = error
    return wind(down: .error, now)
  }

  /// Tells an error, and ends the session if it was open.
  mutating func fail(_ error: WireError, _ now: Duration) -> [SessionAction] {
    guard isOpen else {
      let failure = SessionAction.send(.error(Failure(error)), id: openID, body: nil)
      return [failure, release(.error, now)]
    }
    failure = error
    return end(.error, now)
  }

  /// Says the last word.
  mutating func end(_ reason: StreamEnd.Reason, _ now: Duration) -> [SessionAction] {
    let id = isOpen ? endID : endID ?? openID
    let release = release(reason, now)
    guard case .release(let last) = release else { return [] }
    let error = failure.map { SessionAction.send(.error(Failure(session: name, $0)), id: openID, body: nil) }
    return (error.map { [$0] } ?? []) + [.send(.end(last), id: id, body: nil), release]
  }

  mutating func release(_ reason: StreamEnd.Reason, _ now: Duration) -> SessionAction {
    stage = .ended
    endReason = reason
    queue = []
    resend = []
    snapshots = [:]
    var end = StreamEnd(
      session: name, reason: reason, frames: isOfPoints ? 0 : framesSent,
      points: isOfPoints ? framesSent : nil,
      bytes: bytesSent, milliseconds: (now - openedAt).milliseconds, sha256: digestSent.hexadecimal(),
      dropped: dropped.total, log: sentLog)
    end.recorded = recorded
    return .release(end)
  }

  private var isOfPoints: Bool { if case .points? = plan { true } else { false } }

  /// The actions of the frames that were sent, if they make them once more.
  private var sentLog: [ActionRun]? {
    guard let log, dropped.total == 0, case .video(let plan)? = plan else { return nil }
    // The names are those of a model's actions, which are names, and counts are positive.
    let runs = log.prefix(framesSent).compactMap { try? ActionRun(plan.model.actions[$0.action], $0.count) }
    // As JSON writes them, with some room: a log that no message holds is none.
    let bytes = runs.reduce(0) { $0 + 6 * $1.name.utf8.count + 32 }
    return bytes <= WireLimits.logBytes ? runs : nil
  }

  /// Ends what took too long, makes what is due, and breaks a silence: the message is also how a dead client is noticed.
  mutating func tick(_ now: Duration) -> [SessionAction] {
    if let deadline, now >= deadline { return end(endReason, now) }
    if let lostSince { return now - lostSince >= timing.lease ? [release(.lease, now)] : [] }
    let since = [creditMissingSince, pausedSince].compactMap { $0 }.min()
    if isOpen, let since, now - since >= timing.idle { return end(.idle, now) }
    return (playback == nil ? [] : advance(now)) + breakSilence(now)
  }

  private mutating func breakSilence(_ now: Duration) -> [SessionAction] {
    guard stage != .ended, now - lastSent >= timing.silence else { return [] }
    if stage == .queued { return [sayPosition(now)] }
    lastSent = now
    // Until the client knows the session's name, the id of its request is what tells whose sign of life it is.
    return [.send(.progress(progress), id: isOpen ? nil : openID, body: nil)]
  }
}

extension Session {
  /// How far it is.
  var progress: Progress {
    Progress(session: name, phase: phase, done: amountGenerated, total: request.total, creditLeft: credit)
  }
}

extension Duration {
  /// Whole milliseconds, rounded down.
  var milliseconds: Int {
    Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
  }
}
