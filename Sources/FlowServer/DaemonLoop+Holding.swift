// SPDX-License-Identifier: Apache-2.0

internal import FlowDigest
internal import FlowWire
internal import Logging

/// Clients that come back for their sessions.
extension DaemonLoop {
  /// How many ended sessions are known by their last words.
  private static let tailLimit = 64
  /// How many bytes of their messages are kept.
  private static let tailBytes = 256 << 20

  /// Gives a session to another connection, if it may have it.
  mutating func resume(_ wish: ResumeRequest, _ id: String?, _ peer: Peer) throws(WireError) {
    forgetTails()
    let name = wish.session, token = SessionToken(hexadecimal: wish.token)
    if let tail = ended.firstIndex(where: {
      $0.end.session == name && $0.session.token == token && $0.key == peer.key
    }) {
      return try revive(tail, wish, id, peer)
    }
    guard let seat = seats[name], seat.session.token == token, seat.key == peer.key else {
      throw WireError(
        .notFound, "there is no session \"\(name)\" with this token; it has ended, so open another one",
        field: "resume")
    }
    try seat.session.checkMayResume(wish)
    if let holder = seat.peer, !holder.isSame(as: peer) { try free(name, from: holder, wish) }
    seats[name]?.peer = peer
    recordings[name]?.peer = peer
    handle(name, .resumed(wish, id: id))
    logger.info("session resumed", metadata: ["sid": "\(name)", "seq": "\(wish.firstSequence)"])
  }

  /// Takes a session from its holder if that is gone, or was to lose it.
  private mutating func free(_ name: String, from holder: Peer, _ wish: ResumeRequest) throws(WireError) {
    if wish.takesOver {
      let error = WireError(.conflict, "another connection has taken the session over", field: "sid")
      return send(.error(Failure(session: name, error)), nil, to: holder)
    }
    // A client that died a moment ago is found out by telling it something.
    if let progress = seats[name]?.session.progress { send(.progress(progress), nil, to: holder) }
    guard gone.contains(holder) else {
      throw WireError(
        .conflict,
        "the session \"\(name)\" is held by a connection that is alive; close that one, or say takeover",
        field: "resume.takeover", retryable: true)
    }
  }

  /// Sends the rest of a session that has ended.
  private mutating func revive(
    _ index: Int, _ wish: ResumeRequest, _ id: String?, _ peer: Peer
  ) throws(WireError) {
    let tail = ended[index]
    guard !tail.isOver else {
      throw WireError(
        .gone, "the session \"\(wish.session)\" has ended: \(tail.end.reason.rawValue); open another one",
        field: "resume.sid")
    }
    guard drainDeadline == nil else {
      throw WireError(.draining, "the daemon is about to stop; the rest of this session goes with it")
    }
    try tail.session.checkMayResume(wish)
    ended.remove(at: index)
    var session = tail.session
    session.recorded = tail.end.recorded
    seats[wish.session] = Seat(session: session, peer: peer, key: tail.key)
    operations.measures[wish.session] = tail.measure
    recordings[wish.session]?.peer = peer
    handle(wish.session, .resumed(wish, id: id))
  }

  /// Keeps a session that has ended for a while, and lets go of the messages of the oldest if all take too much.
  mutating func keepTail(_ tail: Tail) {
    ended.append(tail)
    if ended.count > Self.tailLimit, let index = leastWanted { ended.remove(at: index) }
    var bytes = ended.reduce(0) { $0 + $1.session.sent.byteCount }
    for index in ended.indices where bytes > Self.tailBytes {
      bytes -= ended[index].session.sent.byteCount
      ended[index].session.sent.removeAll()
    }
  }

  /// The ended session that is let go of first: one that nobody can come back for, or the oldest of the key that has most,
  /// so that nobody's sessions push out those of others.
  private var leastWanted: Int? {
    if let index = ended.firstIndex(where: { $0.isOver }) { return index }
    let counts = Dictionary(grouping: ended, by: \.key).mapValues(\.count)
    let most = counts.values.max()
    return ended.firstIndex { counts[$0.key] == most }
  }

  /// Lets go of the messages of sessions that ended longer ago than a lease.
  mutating func forgetTails() {
    for index in ended.indices where now - ended[index].time >= configuration.lease {
      ended[index].session.sent.removeAll()
    }
  }

  /// Throws `kv_budget` unless there is memory for a snapshot of a session's stream.
  func checkSnapshotMemory(_ name: String) throws(WireError) {
    guard case .video(let plan)? = seats[name]?.session.plan, !hasMemory(for: .video(plan.model)) else {
      return
    }
    throw WireError(
      .cacheBudget,
      "the caches of all streams leave no memory for a snapshot; try again when a session has ended")
  }

  /// The seed of the stream that a snapshot was taken of, if the client may begin one of that model there.
  func seed(of snapshot: String, model: String, _ peer: Peer) throws(WireError) -> UInt64 {
    let owner = seats.values.first {
      $0.session.snapshots[snapshot] != nil && $0.peer?.isSame(as: peer) == true
    }
    guard let owner else {
      throw WireError(
        .notFound,
        "you have no snapshot \"\(snapshot)\"; it lives as long as the session that it was taken of",
        field: "from.snapshot")
    }
    guard owner.session.request.model == model else {
      throw .badRequest(
        "model", "the snapshot \(snapshot) is of the model \(owner.session.request.model); take that one")
    }
    return owner.session.seed
  }
}
