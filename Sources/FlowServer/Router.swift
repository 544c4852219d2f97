// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import FlowZeroMQ
internal import Glibc

/// A client as the socket knows it.
struct Peer: Hashable {
  /// The name that the socket gave it.
  let identity: [UInt8]
  /// Whether it puts an empty part before each message, as REQ sockets do; answers then have one as well.
  let usesDelimiter: Bool
  /// The key that it has proved to own; nil where nobody is asked for one. A connection keeps it for life.
  var key: CurvePublicKey?

  /// Whether the other is the same client: its socket's name alone can be taken by who comes later.
  func isSame(as other: Peer) -> Bool { identity == other.identity && key == other.key }
}

/// The daemon's socket: messages of clients in, messages to clients out.
///
/// A message that does not fit into a client's queue waits here. libzmq never loses one, because the socket is
/// mandatory. Its queues are short and what waits here is counted, so that a client that gives credit and does
/// not read costs a bounded number of bytes.
struct Router: ~Copyable {
  /// What became of a message.
  enum Delivery {
    /// It is on its way, or waits for room.
    case accepted
    /// The client is gone, or reads nothing while it asks for more and more.
    case unreachable
  }

  /// How many messages may wait for a client that does not read.
  private static let messageLimit = 4096
  /// How many bytes may wait for it.
  private static let byteLimit = 64 << 20
  /// How many messages libzmq takes for a client beyond what the system's buffers hold.
  private static let queueLength: Int32 = 32

  /// What waits for a client.
  private struct Backlog {
    var messages: [[[UInt8]]] = []
    var bytes = 0

    mutating func append(_ message: [[UInt8]]) {
      messages.append(message)
      bytes += size(message)
    }

    mutating func removeFirst(_ count: Int) {
      for message in messages.prefix(count) { bytes -= size(message) }
      messages.removeFirst(count)
    }

    private func size(_ message: [[UInt8]]) -> Int { message.reduce(0) { $0 + $1.count } }
  }

  /// The endpoint, a wildcard port replaced by the one that was taken.
  let boundEndpoint: String
  /// Who lets clients in; nil lets in whoever reaches the socket.
  let gatekeeper: Gatekeeper?
  private let socket: Socket
  private var waiting: [Peer: Backlog] = [:]

  /// Binds a socket.
  ///
  /// - Parameters:
  ///   - access: how clients prove who they are; nil asks nobody.
  ///   - group: the group whose members may connect by ipc as well, where nobody is asked for a key.
  init(
    _ context: Context, endpoint: String, access: AccessControl? = nil, group: UInt32? = nil
  ) throws(ZeroMQError) {
    // Before the socket: a client must not meet a closed door because nobody answers yet.
    let gatekeeper = try access.map { access throws(ZeroMQError) in
      try Gatekeeper(context, users: access.users)
    }
    let socket = try Socket(context, .router)
    try socket.admitOnly(access, group: group)
    try socket.set(.routerMandatory, true)
    try socket.set(.sendHighWaterMark, Self.queueLength)
    // A request may have 8 MiB: what a client sends faster than it is read waits with the client.
    try socket.set(.receiveHighWaterMark, 16)
    try socket.set(.maximumMessageSize, Int64(WireLimits.partBytes))
    try socket.bind(endpoint)
    boundEndpoint = try socket.lastEndpoint()
    self.gatekeeper = gatekeeper
    self.socket = socket
  }

  /// Lets messages that were accepted outlive the socket for that long.
  func linger(milliseconds: Int32) throws(ZeroMQError) { try socket.set(.linger, milliseconds) }

  /// Whether messages wait for room; there is no event for room with one client among many.
  var hasWaiting: Bool { !waiting.isEmpty }

  /// Waits for a message, for `fileDescriptor`, or for others.
  func wait(or fileDescriptor: Int32, _ others: [PollItem], milliseconds: Int) throws(ZeroMQError) {
    var items = [PollItem(socket, .input), PollItem(fileDescriptor: fileDescriptor, .input)] + others
    if let gatekeeper { items.append(gatekeeper.pollItem) }
    try poll(&items, milliseconds: milliseconds)
    try gatekeeper?.answer()
  }

  /// The next message of any client, if there is one; of its parts at most one more than a request may have.
  func receive() throws(ZeroMQError) -> (peer: Peer, parts: [[UInt8]])? {
    guard let message = try socket.receiveNamed(keeping: 5, wait: false) else { return nil }
    var parts = message.parts
    let identity = parts.removeFirst()
    let usesDelimiter = parts.count > 1 && parts[0].isEmpty
    if usesDelimiter { parts.removeFirst() }
    // Where nobody is asked for a key, the name is what the client says itself.
    let key = gatekeeper == nil ? nil : message.user.flatMap { try? CurvePublicKey($0) }
    return (Peer(identity: identity, usesDelimiter: usesDelimiter, key: key), parts)
  }

  /// Sends a message, or keeps it until there is room.
  mutating func send(_ parts: [[UInt8]], to peer: Peer) -> Delivery {
    if waiting[peer] == nil, let delivery = attempt(parts, peer) { return delivery }
    waiting[peer, default: Backlog()].append(parts)
    let backlog = waiting[peer, default: Backlog()]
    let isPatient = backlog.messages.count <= Self.messageLimit && backlog.bytes <= Self.byteLimit
    return isPatient ? .accepted : .unreachable
  }

  /// Tries again what waits, and says which clients are gone.
  mutating func retry() -> [Peer] {
    var gone: [Peer] = []
    for (peer, backlog) in waiting {
      let messages = backlog.messages
      var sent = 0
      while sent < messages.count, let delivery = attempt(messages[sent], peer) {
        sent += 1
        if delivery == .unreachable {
          gone.append(peer)
          sent = messages.count
        }
      }
      waiting[peer]?.removeFirst(sent)
      if sent == messages.count { waiting[peer] = nil }
    }
    return gone
  }

  /// Forgets what waits for a client.
  mutating func forget(_ peer: Peer) { waiting[peer] = nil }

  /// Sends if there is room; nil if there is none.
  private func attempt(_ parts: [[UInt8]], _ peer: Peer) -> Delivery? {
    let envelope = peer.usesDelimiter ? [peer.identity, []] : [peer.identity]
    do throws(ZeroMQError) {
      return try socket.send(envelope + parts, wait: false) ? .accepted : nil
    } catch {
      // EHOSTUNREACH. Whatever else it may be: to this client nothing can be sent.
      return .unreachable
    }
  }
}

extension Socket {
  /// Lets clients in as a daemon does: those whose keys are known or, where nobody is asked for one, those of its own user
  /// and of a group.
  ///
  /// A client that vanishes is noticed by heartbeats. To be called before `bind`.
  func admitOnly(_ access: AccessControl?, group: UInt32?) throws(ZeroMQError) {
    if let access {
      try serveCurve(access.secretKey, domain: "flowd")
    } else {
      // Files decide who reaches an ipc socket, and are easily set wrong: the kernel's word counts as well.
      for user in [geteuid(), 0] { try set(.ipcUser, user) }
      if let group { try set(.ipcGroup, group) }
    }
    try set(.heartbeatInterval, 1000)
    try set(.heartbeatTimeout, 3000)
    try set(.heartbeatTimeToLive, 3000)
    try set(.handshakeInterval, 3000)
  }
}
