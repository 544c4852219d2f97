// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

extension Session {
  mutating func grant(_ count: Int, _ id: String?, _ now: Duration) -> [SessionAction] {
    guard let plan, isOpen else { return [refuseAsTooEarly(id)] }
    let limit = plan.creditLimit
    guard credit + count <= limit else {
      let error = WireError.badRequest(
        "n",
        "\(count) more on top of \(credit) would pass the limit of \(limit); "
          + "give credit only for what was received")
      return [.send(.error(Failure(session: name, error)), id: id, body: nil)]
    }
    credit += count
    sent.allow(credit + sinceGrant)
    sinceGrant = 0
    creditMissingSince = nil
    return advance(now)
  }

  mutating func steer(_ control: ControlRequest, _ id: String?, _ now: Duration) -> [SessionAction] {
    guard let plan, isOpen else { return [refuseAsTooEarly(id)] }
    guard case .video(let plan) = plan else {
      let error = WireError.badRequest(
        "sid", "the session \"\(name)\" is of points, which nothing steers; open another one")
      return [.send(.error(Failure(session: name, error)), id: id, body: nil)]
    }
    lastSent = now
    let frame = if case .frame(let index) = control.place { index } else { issued }
    guard frame >= issued else { return [acknowledge(control, .gone(next: issued), id)] }
    do throws(WireError) {
      if control.flushes { try checkMayFlush(plan) }
      if let actions = control.plan {
        try schedule.apply(actions, of: plan.model, from: frame, control: control.number)
      }
    } catch {
      return [.send(.error(Failure(session: name, error)), id: id, body: nil)]
    }
    if control.flushes { flush() }
    // A stream that stands still holds memory, and may not do so for ever: the first time counts.
    if let pauses = control.pauses { pausedSince = pauses ? pausedSince ?? now : nil }
    return [acknowledge(control, .applied(frame: frame), id)] + advance(now)
  }

  private func checkMayFlush(_ plan: StreamPlan) throws(WireError) {
    guard plan.format.standsAlone else {
      throw .badRequest(
        "flush", "a stream of \(plan.format.rawValue) cannot do without a message; leave flush out")
    }
  }

  /// Drops what was made and not sent, and what is being made.
  private mutating func flush() {
    dropQueue(queue.count)
    flushedBefore = issued
  }

  private func refuseAsTooEarly(_ id: String?) -> SessionAction {
    let error = WireError(
      .conflict, "the session \"\(name)\" is not open yet; wait for opened", field: "sid")
    return .send(.error(Failure(session: name, error)), id: id, body: nil)
  }

  private func acknowledge(
    _ control: ControlRequest, _ outcome: ControlAcknowledgement.Outcome, _ id: String?
  ) -> SessionAction {
    let reply = ControlAcknowledgement(session: name, number: control.number, outcome: outcome)
    return .send(.controlAcknowledged(reply), id: id, body: nil)
  }
}
