// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// What became of a connection.
public enum ConnectionEvent: Sendable, Equatable {
  /// The transport is there; who the peer is has yet to be found out.
  case connected
  /// Both sides agree on who they are; messages may flow.
  case ready
  /// The server's handler did not let the client in; the status is that of ZAP.
  case refused(status: Int)
  /// The other side speaks another mechanism than this one, or breaks the protocol.
  case mismatched
  /// The other side broke off while both introduced themselves, or did not do so in time. Who speaks another mechanism may see
  /// this in place of ``mismatched``, if the other side was faster to notice.
  case brokenOff
  /// The connection is over.
  case disconnected
}

/// Tells what becomes of the connections of a socket, in the socket's thread.
public struct SocketMonitor: ~Copyable {
  private let socket: Socket

  /// Watches a socket from now on, to be made before it connects or binds; one monitor a socket.
  public init(_ watched: borrowing Socket) throws(ZeroMQError) {
    let address = "inproc://monitor-\(UInt(bitPattern: watched.pointer))"
    let events =
      ZMQ_EVENT_CONNECTED | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED
      | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
      | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
    let pointer = watched.pointer
    try zmqCall("zmq_socket_monitor") { zmq_socket_monitor(pointer, address, events) }
    let socket = try Socket(watched.context, .pair)
    try socket.set(.linger, 0)
    try socket.connect(address)
    self.socket = socket
  }

  /// The next event.
  ///
  /// - Parameters:
  ///   - milliseconds: how long to wait for one; 0 does not wait, -1 waits for ever.
  /// - Returns: nil if there was none.
  public func next(milliseconds: Int) throws(ZeroMQError) -> ConnectionEvent? {
    while true {
      var items = [PollItem(socket, .input)]
      guard try poll(&items, milliseconds: milliseconds) > 0,
        let parts = try socket.receive(keeping: 2, wait: false)
      else { return nil }
      if let event = ConnectionEvent(parts[0]) { return event }
    }
  }
}

extension ConnectionEvent {
  /// The first part of a monitor's message: 16 bits of event, 32 bits of value, both as the machine has them.
  fileprivate init?(_ bytes: [UInt8]) {
    guard bytes.count == 6 else { return nil }
    let (number, value) = bytes.withUnsafeBytes {
      (
        Int32($0.loadUnaligned(as: UInt16.self)),
        Int($0.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
      )
    }
    switch number {
    case ZMQ_EVENT_CONNECTED, ZMQ_EVENT_ACCEPTED: self = .connected
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: self = .ready
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: self = .refused(status: value)
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: self = .mismatched
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: self = .brokenOff
    case ZMQ_EVENT_DISCONNECTED: self = .disconnected
    default: return nil
    }
  }
}
