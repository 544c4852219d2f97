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
      try schedule.apply(control.plan, of: plan.model, from: frame, control: control.number)
      return [acknowledge(control, .applied(frame: frame), id)]
    } catch {
      return [.send(.error(Failure(session: name, error)), id: id, body: nil)]
    }
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
