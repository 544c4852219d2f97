// SPDX-License-Identifier: Apache-2.0

internal import FlowZeroMQ

/// Lets clients in by their keys; lives in the thread of the sockets.
///
/// Not Sendable, and shared by the router, which lets it answer, and the loop, which asks it who somebody is.
final class Gatekeeper {
  /// Who may connect; replaced when the users file has changed.
  var users: UserTable
  private let authentication: Authentication

  /// Begins to answer; the router that is to ask must be made afterwards and from the same context.
  init(_ context: Context, users: UserTable) throws(ZeroMQError) {
    authentication = try Authentication(context)
    self.users = users
  }

  /// Waits for questions, for a poll.
  var pollItem: PollItem { authentication.pollItem }

  /// Answers the handshakes that wait.
  func answer() throws(ZeroMQError) {
    let users = users
    try authentication.answer { users[$0] != nil }
  }
}
