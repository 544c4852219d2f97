// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import FlowZeroMQ

/// The socket at which streams can be watched by others than their clients: topics of sessions, to whoever subscribes.
///
/// Nobody waits for a watcher: one that does not keep up loses messages, and can tell by `seq`. Not Sendable: it lives in
/// the thread of the sockets.
final class ObserverSocket {
  /// How many messages wait for a watcher; those behind are lost to it.
  private static let queueLength: Int32 = 64
  /// The longest subscription that is taken; the name of a session and of an operation are shorter.
  private static let subscriptionBytes: Int64 = 512

  /// What somebody who watches may send.
  enum Message {
    /// From here on all topics that begin so.
    case subscription([UInt8])
    /// The end of a subscription, or something that nobody needs.
    case other
  }

  /// The endpoint, a wildcard port replaced by the one that was taken.
  let endpoint: String
  private let socket: Socket
  /// Held as long as the socket is there.
  private let claim: EndpointClaim

  /// Binds a socket, which asks the same gatekeeper as the router of its context.
  init(_ context: Context, endpoint: String, access: AccessControl?, claim: consuming EndpointClaim)
    throws(ZeroMQError)
  {
    let socket = try Socket(context, .publisher)
    try socket.admitOnly(access, group: claim.group)
    // Told of every subscription, also of one that another has already: each newcomer must hear how the stream began.
    try socket.set(.tellsEverySubscription, true)
    try socket.set(.sendHighWaterMark, Self.queueLength)
    try socket.set(.maximumMessageSize, Self.subscriptionBytes)
    try socket.set(.linger, 0)
    try socket.bind(endpoint)
    self.endpoint = try socket.lastEndpoint()
    self.socket = socket
    self.claim = claim
  }

  /// Waits for subscriptions, for a poll.
  var pollItem: PollItem { PollItem(socket, .input) }

  /// What somebody who watches has sent; nil if nobody has.
  func next() throws(ZeroMQError) -> Message? {
    guard let part = try socket.receive(keeping: 1, wait: false)?.first else { return nil }
    return part.first == 1 ? .subscription(Array(part.dropFirst())) : .other
  }

  /// Publishes a message to those who keep up.
  func publish(_ message: WatchedMessage, _ body: [UInt8]?) {
    // A publisher has no peer that could be missing, and drops where there is no room.
    _ = try? socket.send([message.topic, message.header()] + (body.map { [$0] } ?? []), wait: false)
  }
}
