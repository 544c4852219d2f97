// SPDX-License-Identifier: Apache-2.0

internal import FlowGeneration
internal import FlowVideo
internal import FlowWire

extension DaemonLoop {
  /// Counts what an event of a session and the actions that it led to are worth telling.
  ///
  /// It is called between the two: the session has changed, and nothing has been done yet.
  mutating func measure(_ event: SessionEvent, _ actions: [SessionAction], of name: String, at time: Duration)
  {
    guard let session = seats[name]?.session else { return }
    var measure = operations.measures[name] ?? SessionMeasure(openedAt: session.openedAt)
    count(event, session, &measure, time)
    for action in actions { count(action, session, &measure, time) }
    countStarvation(of: session, &measure, time)
    if session.dropped.total > measure.dropped {
      let count = Double(session.dropped.total - measure.dropped)
      operations.metrics.add(.dropped, ["policy": session.request.delivery.policy.rawValue], count)
      measure.dropped = session.dropped.total
    }
    operations.measures[name] = measure
    // A stream that was never begun is not the compute thread's either.
    if case .cancel = event, session.stage == .ended, session.plan != nil {
      operations.cancelled[name] = time
    }
  }

  /// Counts a request that is refused before a session has to do with it.
  mutating func countRefusal(_ request: Request, _ error: WireError) {
    guard case .open = request else { return }
    operations.metrics.add(.sessionOpens, ["result": error.code.rawValue])
  }

  /// The compute thread is rid of a stream.
  mutating func streamForgotten(_ name: String) {
    guard let time = operations.cancelled.removeValue(forKey: name) else { return }
    operations.metrics.observe(.cancelLatency, [:], (now - time).inSeconds)
  }

  private mutating func count(
    _ event: SessionEvent, _ session: Session, _ measure: inout SessionMeasure, _ time: Duration
  ) {
    switch event {
    case .generated(let unit, let milliseconds):
      operations.metrics.observe(.generation, ["phase": "generate"], milliseconds / 1000)
      let model = session.request.model
      switch unit {
      case .image: operations.metrics.add(.frames, ["model": model, "format": session.format])
      case .points(let batch): operations.metrics.add(.points, ["model": model], Double(batch.shape[0]))
      }
    case .admitted:
      operations.metrics.observe(.queueTime, [:], (time - session.openedAt).inSeconds)
    case .encoded where !measure.inEncoding.isEmpty:
      let start = measure.inEncoding.removeFirst()
      operations.metrics.observe(.generation, ["phase": "encode"], (time - start).inSeconds)
    default: break
    }
  }

  private mutating func count(
    _ action: SessionAction, _ session: Session, _ measure: inout SessionMeasure, _ time: Duration
  ) {
    switch action {
    case .encode: measure.inEncoding.append(time)
    case .send(.opened(let opened), _, _) where !opened.tenancy.isResumed:
      operations.metrics.add(.sessionOpens, ["result": "opened"])
    case .send(.openedPoints(let opened), _, _) where !opened.tenancy.isResumed:
      operations.metrics.add(.sessionOpens, ["result": "opened"])
    case .send(.error(let failure), _, _) where failure.session == nil:
      operations.metrics.add(.sessionOpens, ["result": failure.error.code.rawValue])
    case .send(.controlAcknowledged(let reply), _, _):
      if case .applied(let frame) = reply.outcome {
        operations.metrics.observe(.controlLatency, [:], Double(max(0, frame - session.framesSent)))
      }
    case .send(.frame(let frame), _, _):
      let sequence = frame.sequence
      countDelivery(sequence, showing: sequence..<sequence + 1, session, &measure, time)
    case .send(.media(let media), _, _):
      let frames = media.firstFrame..<media.firstFrame + media.frames
      countDelivery(media.sequence, showing: frames, session, &measure, time)
    case .send(.points(let points), _, _):
      countDelivery(points.sequence, showing: 0..<0, session, &measure, time)
    default: break
    }
  }

  /// Counts a message of a stream that makes these frames visible, unless it was counted when it was sent before.
  private mutating func countDelivery(
    _ sequence: Int, showing frames: Range<Int>, _ session: Session, _ measure: inout SessionMeasure,
    _ time: Duration
  ) {
    guard sequence >= measure.nextSequence else { return }
    measure.nextSequence = sequence + 1
    if measure.firstSentAt == nil {
      measure.firstSentAt = time
      operations.metrics.observe(.firstFrame, [:], (time - measure.openedAt).inSeconds)
    } else if let last = measure.lastSentAt {
      operations.metrics.observe(.frameInterval, [:], (time - last).inSeconds)
    }
    measure.lastSentAt = time
    guard case .video(let plan)? = session.plan else { return }
    let rate = Double(plan.settings.rate.numerator) / Double(plan.settings.rate.denominator)
    for frame in frames {
      let offset = Duration.seconds(Double(frame) / rate)
      let start = measure.playStart ?? time - offset
      measure.playStart = start
      if time > start + offset { operations.metrics.add(.deadlineMisses) }
    }
  }

  /// Counts the time without credit up to now; a viewer's clock stands still for it, and while a client is lost or pauses.
  private mutating func countStarvation(
    of session: Session, _ measure: inout SessionMeasure, _ time: Duration
  ) {
    if let since = measure.starvedSince {
      operations.metrics.add(.creditStarved, [:], (time - since).inSeconds)
    }
    if let since = measure.stillSince { measure.playStart = measure.playStart.map { $0 + (time - since) } }
    let isStarved = session.creditMissingSince != nil && session.stage != .ended
    let isStill = isStarved || session.lostSince != nil || session.pausedSince != nil
    measure.starvedSince = isStarved ? time : nil
    measure.stillSince = isStill ? time : nil
  }

  /// Sets what is counted anew each time.
  mutating func setGauges() {
    operations.metrics.set(.buildInfo, ["version": configuration.version], 1)
    operations.metrics.clear(.sessions)
    let phases = Dictionary(grouping: seats.values, by: \.session.phase.rawValue)
    for (phase, seats) in phases { operations.metrics.set(.sessions, ["state": phase], Double(seats.count)) }
    operations.metrics.set(.cacheBytes, [:], Double(cacheBytes))
  }
}
