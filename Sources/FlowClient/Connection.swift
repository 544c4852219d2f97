// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import FlowZeroMQ

/// A socket to a daemon that speaks in requests and replies.
struct Connection: ~Copyable {
  private let socket: Socket
  private let monitor: SocketMonitor
  /// Whether keys are used.
  let isEncrypted: Bool
  /// How often in a row the other side broke off before it was known who it is.
  private var breaks = 0

  /// How long requests that were not sent yet outlive the connection, in milliseconds.
  private static let linger: Int32 = 500

  /// How often the other side may break off before that is no accident.
  private static let mostBreaks = 5

  /// Begins to connect; whether somebody answers is for the first request to find out.
  init(_ endpoint: String, _ identity: ClientIdentity? = nil) throws(ClientError) {
    do throws(ZeroMQError) {
      let socket = try openSocket(identity)
      let monitor = try SocketMonitor(socket)
      try socket.connect(endpoint)
      self.socket = socket
      self.monitor = monitor
      isEncrypted = identity != nil
    } catch {
      throw ClientError(.usage, "cannot connect to \(endpoint): \(error)")
    }
  }

  /// Says that there is a server, so that the last words are worth waiting for.
  func confirm() {
    // An option that libzmq has had for ever; without it only the last words may be lost.
    try? socket.set(.linger, Self.linger)
  }

  /// Throws if the server did not take the connection; libzmq itself would try again for ever and say nothing.
  mutating func checkHandshake() throws(ClientError) {
    // Nothing but a bug can fail here, and the time of the caller's patience then tells.
    while let event = (try? monitor.next(milliseconds: 0)) ?? nil {
      switch event {
      case .refused:
        throw ClientError(
          .refused,
          "unauthorized: the server does not know your key; have its operator put it into the users file")
      case .mismatched where isEncrypted:
        throw ClientError(
          .refused, "the server does not use keys; leave out --server-key and --key-file, or ask its operator"
        )
      case .mismatched:
        throw ClientError(
          .refused, "unauthorized: the server wants to know who you are; add --server-key and --key-file")
      case .brokenOff where !isEncrypted:
        breaks += 1
        guard breaks >= Self.mostBreaks else { continue }
        throw ClientError(
          .refused,
          "the server breaks off before it has said who it is: unauthorized if it wants to know who you are; add "
            + "--server-key and --key-file, or see whether it is a flowd")
      case .ready: breaks = 0
      case .brokenOff, .connected, .disconnected: break
      }
    }
  }

  /// Sends a request; it leaves when the connection stands.
  func send(_ request: Request, id: String? = nil) throws(ClientError) {
    do throws(ZeroMQError) {
      _ = try socket.send(RequestMessage(id: id, request).parts(), wait: false)
    } catch {
      throw ClientError(.broken, "cannot send: \(error)")
    }
  }

  /// Waits for a reply; nil if none came in time.
  func receive(milliseconds: Int) throws(ClientError) -> (message: ReplyMessage, bodies: [[UInt8]])? {
    guard let parts = try receiveParts(milliseconds), let header = parts.first else { return nil }
    do throws(WireError) {
      return (try ReplyMessage(header: header), Array(parts.dropFirst()))
    } catch {
      throw ClientError(.misbehaved, "the server's message is not understood: \(describe(error))")
    }
  }

  private func receiveParts(_ milliseconds: Int) throws(ClientError) -> [[UInt8]]? {
    do throws(ZeroMQError) {
      var items = [PollItem(socket, .input)]
      guard try poll(&items, milliseconds: milliseconds) > 0 else { return nil }
      return try socket.receive(keeping: 2, wait: false)
    } catch {
      throw ClientError(.broken, "cannot receive: \(error)")
    }
  }
}

private func openSocket(_ identity: ClientIdentity?) throws(ZeroMQError) -> Socket {
  let socket = try Socket(Context(), .dealer)
  try socket.set(.linger, 0)
  try socket.set(.heartbeatInterval, 1000)
  try socket.set(.heartbeatTimeout, 3000)
  // Larger than any frame that the daemon may send, smaller than what would hurt.
  try socket.set(.maximumMessageSize, 1 << 30)
  if let identity { try socket.useCurve(identity.pair, serverKey: identity.serverKey) }
  return socket
}
