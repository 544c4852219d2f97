// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import FlowZeroMQ

/// A socket to a daemon that speaks in requests and replies.
struct Connection: ~Copyable {
  private let socket: Socket

  /// How long requests that were not sent yet outlive the connection, in milliseconds.
  private static let linger: Int32 = 500

  /// Begins to connect; whether somebody answers is for the first request to find out.
  init(_ endpoint: String) throws(ClientError) {
    do throws(ZeroMQError) {
      socket = try openSocket(endpoint)
    } catch {
      throw ClientError(.usage, "cannot connect to \(endpoint): \(error)")
    }
  }

  /// Says that there is a server, so that the last words are worth waiting for.
  func confirm() {
    // An option that libzmq has had for ever; without it only the last words may be lost.
    try? socket.set(.linger, Self.linger)
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

private func openSocket(_ endpoint: String) throws(ZeroMQError) -> Socket {
  let socket = try Socket(Context(), .dealer)
  try socket.set(.linger, 0)
  try socket.set(.heartbeatInterval, 1000)
  try socket.set(.heartbeatTimeout, 3000)
  // Larger than any frame that the daemon may send, smaller than what would hurt.
  try socket.set(.maximumMessageSize, 1 << 30)
  try socket.connect(endpoint)
  return socket
}
