// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import Logging

extension DaemonLoop {
  /// Reads a request and answers it.
  mutating func answer(_ parts: [[UInt8]], _ peer: Peer) {
    do throws(RequestRejection) {
      let message = try RequestMessage(parts: parts)
      do throws(WireError) {
        try answer(message.request, message.id, peer)
      } catch {
        countRefusal(message.request, error)
        throw RequestRejection(id: message.id, session: message.request.session, error: error)
      }
    } catch {
      logger.debug(
        // Not the message, which quotes what the client wrote.
        "refused",
        metadata: ["code": "\(error.error.code.rawValue)", "field": "\(error.error.field ?? "")"])
      send(.error(Failure(session: error.session, error.error)), error.id, to: peer)
    }
  }

  private mutating func answer(_ request: Request, _ id: String?, _ peer: Peer) throws(WireError) {
    let user = try user(peer)
    let models = models.seen(by: user)
    logWish(request)
    switch request {
    case .hello(let client):
      logger.debug(
        "hello", metadata: ["client": "\(printable(client ?? ""))", "user": "\(user?.name ?? "")"])
      var welcome = Welcome(server: "flowd", version: configuration.version, limits: limits)
      welcome.user = user?.name
      welcome.observers = observers?.endpoint
      send(.welcome(welcome), id, to: peer)
    case .capabilities(let model):
      if let model { try models.check(model) }
      let capabilities = Capabilities(
        limits: limits, model: model.map(models.summary), records: recorder != nil,
        isObserved: observers != nil)
      send(.capabilities(capabilities), id, to: peer)
    case .models: send(.models(models.summaries), id, to: peer)
    case .model(let request):
      try models.check(request.name)
      try answer(request, id, peer)
    case .open(let open): try admit(open, id, peer)
    case .resume(let wish): try resume(wish, id, peer)
    case .snapshot(let session):
      try checkSnapshotMemory(try seat(session, peer))
      handle(session, .snapshot(id: id))
    case .rewind(let wish): handle(try seat(wish.session, peer), .rewind(wish, id: id))
    case .credit(let credit):
      // Credit for the last messages arrives after the end: that is how it is, not a fault.
      if pastEnd(credit.session, peer) != nil { return }
      handle(try seat(credit.session, peer), .credit(credit.count, id: id))
    case .control(let control): handle(try seat(control.session, peer), .control(control, id: id))
    case .cancel(let target): try cancel(target, id, peer)
    case .close(let session):
      if let end = pastEnd(session, peer) { return send(.end(end), id, to: peer) }
      handle(try seat(session, peer), .close(id: id))
    case .status: send(.status(status(for: user)), id, to: peer)
    case .ping: send(.pong, id, to: peer)
    }
  }

  /// Writes what a client wants made to the log, if the operator wants to read that.
  private func logWish(_ request: Request) {
    guard configuration.logsPrompts else { return }
    switch request {
    case .open, .control:
      let wish = JSONMetadata(value: .object(RequestMessage(request).header))
      logger.info("asked", metadata: ["wish": .stringConvertible(wish)])
    default: break
    }
  }

  private var limits: ServerLimits {
    ServerLimits(
      sessions: configuration.maximumSessions, idleMilliseconds: configuration.idleTimeout.milliseconds)
  }

  /// How the daemon is, as a user may know it; nil is whoever may know all.
  func status(for user: User?) -> ServerStatus {
    let shown = seats.filter { belongs($0.value, to: user) }
    return ServerStatus(
      version: configuration.version, uptimeMilliseconds: now.milliseconds, isDraining: drainDeadline != nil,
      limits: limits, sessions: shown.keys.sorted().compactMap { shown[$0]?.session.status(at: now) },
      models: models.seen(by: user).states, sessionsOpened: sessionsOpened,
      framesGenerated: framesGenerated,
      pointsGenerated: pointsGenerated)
  }

  /// The session of that name, if it is this client's; whether it is another's is nobody's business.
  private func seat(_ name: String, _ peer: Peer) throws(WireError) -> String {
    guard let seat = seats[name], seat.peer?.isSame(as: peer) == true else {
      throw WireError(
        .notFound, "you have no session \"\(name)\"; it has ended, or another client opened it", field: "sid")
    }
    return name
  }

  /// The session of this client's request `open`: of several, the one that is not open yet, or the newest.
  private func seat(open: String, _ peer: Peer) -> String? {
    let named = seats.filter { $1.peer?.isSame(as: peer) == true && $1.session.openID == open }
    let waiting = named.filter { !$1.session.isOpen }
    return (waiting.isEmpty ? named : waiting).max { $0.value.session.openedAt < $1.value.session.openedAt }?
      .key
  }

  /// The last word on a session of this client that ended lately.
  private func pastEnd(_ name: String, _ peer: Peer) -> StreamEnd? {
    ended.last { $0.end.session == name && $0.peer?.isSame(as: peer) == true }?.end
  }

  /// The last word on the session of this client's request `open`, if it ended lately.
  private func pastEnd(open: String, _ peer: Peer) -> StreamEnd? {
    ended.last { $0.session.openID == open && $0.peer?.isSame(as: peer) == true }?.end
  }

  private mutating func cancel(_ target: CancelRequest, _ id: String?, _ peer: Peer) throws(WireError) {
    switch target {
    case .session(let name):
      // Cancelling again is no fault: the client may not have read the first answer yet.
      if let end = pastEnd(name, peer) { return send(.end(end), id, to: peer) }
      handle(try seat(name, peer), .cancel(id: id))
    case .request(let open):
      guard let name = seat(open: open, peer) else {
        if let end = pastEnd(open: open, peer) { return send(.end(end), id, to: peer) }
        throw WireError(.notFound, "you have no session whose open had the id \"\(open)\"", field: "id")
      }
      handle(name, .cancel(id: id))
    }
  }
}

/// The beginning of a text without what could make two lines of one in a log.
private func printable(_ text: String) -> String {
  String(text.unicodeScalars.prefix(64).map { (32..<127).contains($0.value) ? Character($0) : "?" })
}

extension Request {
  /// The session that a request names.
  fileprivate var session: String? {
    switch self {
    case .credit(let credit): credit.session
    case .control(let control): control.session
    case .cancel(.session(let session)), .close(let session), .snapshot(let session): session
    case .rewind(let wish): wish.session
    case .resume(let wish): wish.session
    case .hello, .capabilities, .models, .model, .open, .cancel, .status, .ping: nil
    }
  }
}

extension Session {
  /// The kind of stream, as far as it is known.
  var format: String {
    switch plan {
    case .video(let plan): plan.format.rawValue
    case .points: PointsWish.format
    case nil:
      switch request.content {
      case .plain: "default"
      case .video(let wish): wish.format.kind.rawValue
      case .points: PointsWish.format
      }
    }
  }

  /// How the session is.
  func status(at now: Duration) -> SessionStatus {
    SessionStatus(
      session: name, model: request.model, format: format, phase: phase,
      done: amountGenerated,
      total: request.total, creditLeft: credit, ageMilliseconds: (now - openedAt).milliseconds)
  }
}
