// SPDX-License-Identifier: Apache-2.0

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
    guard seats.count < configuration.maximumSessions else {
      throw WireError(
        .sessionLimit, "\(seats.count) sessions are open, which is the limit; try again when one has ended")
    }
    try checkSessions(of: user)
    sessionsOpened += 1
    let name = "s\(sessionsOpened)"
    let timing = Session.Timing(idle: configuration.idleTimeout)
    let session = Session(name: name, openID: id, request: open, timing: timing, now: now)
    seats[name] = Seat(session: session, peer: peer)
    logger.info("session opened", metadata: ["sid": "\(name)", "model": "\(open.model)"])
    // The session goes on when its file is open.
    if !beginRecording(name, open, peer) { seatAtModel(name, open.model) }
  }

  /// Lets a session go on if its model is there, and sees to it that it will be.
  mutating func seatAtModel(_ session: String, _ model: String) {
    switch models[model] {
    case .ready(let description): handle(session, .modelReady(description))
    case .loading: break
    case .failed(let error, let time) where now - time < configuration.modelRetryPause:
      // A client that asks again and again must not keep the compute thread from everybody's streams.
      handle(session, .failed(error))
    // A bundle that failed may have been mended.
    case .absent, .failed: load(model)
    }
  }

  /// Has a model loaded.
  mutating func load(_ name: String) {
    models[name] = .loading
    compute.post(.load(name))
  }

  /// Tells the sessions that wait for a model what became of it.
  mutating func modelArrived(_ name: String, _ outcome: Result<ServedModelDescription, WireError>) {
    let event: SessionEvent
    switch outcome {
    case .success(let description):
      models[name] = .ready(description)
      event = .modelReady(description)
      logger.info("model loaded", metadata: ["model": "\(name)", "sha256": "\(description.sha256)"])
    case .failure(let error):
      models[name] = .failed(error, at: now)
      event = .failed(error)
      logger.error("model failed", metadata: ["model": "\(name)", "reason": "\(error.message)"])
    }
    for (session, seat) in seats
    where seat.session.request.model == name && seat.session.stage == .waitingForModel {
      handle(session, event)
    }
  }
}
