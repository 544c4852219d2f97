// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import Logging

extension DaemonLoop {
  /// Who speaks; nil where whoever reaches the socket may.
  ///
  /// - Throws: `unauthorized` if the client was let in once and is on the list no more: libzmq keeps the connection.
  func user(_ peer: Peer) throws(WireError) -> User? {
    guard let gatekeeper = router.gatekeeper else { return nil }
    guard let key = peer.key, let user = gatekeeper.users[key] else {
      throw WireError(
        .unauthorized, "your key is not on the server's list of users any more; ask its operator")
    }
    return user
  }

  /// Throws `session_limit` unless the user may have another session.
  func checkSessions(of user: User?) throws(WireError) {
    guard let user, let limit = user.maximumSessions else { return }
    let count = seats.values.count { $0.key == user.key }
    guard count >= limit else { return }
    throw WireError(
      .sessionLimit,
      "\(user.name) has as many sessions as this user may, \(count); try again when one has ended")
  }

  /// Whether a session may be shown to a user, or ended for its sake: nobody's business but its owner's.
  func belongs(_ seat: Seat, to user: User?) -> Bool { user == nil || seat.key == user?.key }

  /// Takes a new list of users; sessions that could not be opened any more end as cancelled.
  mutating func install(_ users: UserTable) {
    guard let gatekeeper = router.gatekeeper else { return }
    gatekeeper.users = users
    logger.info("users read again", metadata: ["users": "\(users.count)"])
    for name in seats.keys.sorted() {
      guard let seat = seats[name], let key = seat.key else { continue }
      if users[key]?.mayUse(seat.session.request.model) != true { handle(name, .cancel(id: nil)) }
    }
  }
}

extension ModelTable {
  /// The models as a user may know them.
  func seen(by user: User?) -> ModelTable {
    var table = self
    table.viewer = user
    return table
  }
}
