// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// What one can wait for.
public struct PollEvents: OptionSet, Sendable {
  /// The bits of libzmq.
  public let rawValue: Int16
  /// Events by the bits of libzmq.
  public init(rawValue: Int16) { self.rawValue = rawValue }

  /// A message, or bytes, can be received.
  public static let input = PollEvents(rawValue: Int16(ZMQ_POLLIN))
  /// A message, or bytes, can be sent.
  public static let output = PollEvents(rawValue: Int16(ZMQ_POLLOUT))
}

/// A socket or a file, and what is waited for there.
///
/// It must not outlive the socket or the file.
public struct PollItem {
  fileprivate var item: zmq_pollitem_t

  /// Waits for events of a socket.
  public init(_ socket: borrowing Socket, _ events: PollEvents) {
    item = zmq_pollitem_t(socket: socket.pointer, fd: -1, events: events.rawValue, revents: 0)
  }

  /// Waits for events of a file.
  public init(fileDescriptor: Int32, _ events: PollEvents) {
    item = zmq_pollitem_t(socket: nil, fd: fileDescriptor, events: events.rawValue, revents: 0)
  }

  /// What the last ``poll(_:milliseconds:)`` found.
  public var ready: PollEvents { PollEvents(rawValue: item.revents) }
}

/// Waits until one of `items` is ready or the time is up, and says how many are.
///
/// - Parameters:
///   - milliseconds: -1 waits for ever.
@discardableResult
public func poll(_ items: inout [PollItem], milliseconds: Int) throws(ZeroMQError) -> Int {
  var plain = items.map(\.item)
  let ready = try zmqCall("poll") { zmq_poll(&plain, Int32(plain.count), milliseconds) }
  for index in items.indices { items[index].item = plain[index] }
  return Int(ready)
}
