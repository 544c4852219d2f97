// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

extension Socket {
  /// Sends the parts of one message, which libzmq takes as a whole or not at all.
  ///
  /// - Parameters:
  ///   - parts: at least one.
  ///   - wait: whether to wait until there is room.
  /// - Returns: false if there was no room and `wait` is false, or the socket's time for sending ran out.
  public func send(_ parts: [[UInt8]], wait: Bool = true) throws(ZeroMQError) -> Bool {
    precondition(!parts.isEmpty, "Socket.send: a message has at least one part")
    for (index, part) in parts.enumerated() {
      let message = try Message(part)
      let flags = (wait ? 0 : ZMQ_DONTWAIT) | (index < parts.count - 1 ? ZMQ_SNDMORE : 0)
      do throws(ZeroMQError) {
        try zmqCall("send") { zmq_msg_send(message.pointer, pointer, flags) }
      } catch {
        // Only the first part meets a full queue: the others belong to a message already accepted.
        guard error.code == ZeroMQError.wouldBlock, index == 0 else { throw error }
        return false
      }
    }
    return true
  }

  /// Receives the parts of one message.
  ///
  /// - Parameters:
  ///   - limit: how many parts to keep; the others are thrown away.
  ///   - wait: whether to wait for a message.
  /// - Returns: nil if there was none and `wait` is false, or the socket's time for receiving ran out.
  public func receive(keeping limit: Int = .max, wait: Bool = true) throws(ZeroMQError) -> [[UInt8]]? {
    try receiveNamed(keeping: limit, wait: wait)?.parts
  }

  /// Receives the parts of one message and the sender's ``Message/user``.
  public func receiveNamed(
    keeping limit: Int = .max, wait: Bool = true
  ) throws(ZeroMQError) -> (parts: [[UInt8]], user: String?)? {
    var parts: [[UInt8]] = []
    var user: String?
    var hasMore = true
    while hasMore {
      let message = Message()
      do throws(ZeroMQError) {
        try zmqCall("receive") { zmq_msg_recv(message.pointer, pointer, wait ? 0 : ZMQ_DONTWAIT) }
      } catch {
        guard error.code == ZeroMQError.wouldBlock, parts.isEmpty else { throw error }
        return nil
      }
      // A router puts the name on the part that names the peer or on those behind it, as it happens.
      user = user ?? message.user
      if parts.count < limit { parts.append(message.bytes) }
      hasMore = message.hasMore
    }
    return (parts, user)
  }
}
