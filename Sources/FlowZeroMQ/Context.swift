// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ
internal import Glibc

/// The input and output threads of libzmq, shared by all sockets made from it.
///
/// A class, since its sockets share it: it ends with the last of them, so ending it never waits for a socket.
public final class Context: @unchecked Sendable {
  // Unchecked: a context is the one object of libzmq that any thread may use.
  let pointer: UnsafeMutableRawPointer

  /// Starts a context whose sockets do not linger unless they are told to.
  public init() throws(ZeroMQError) {
    guard let pointer = zmq_ctx_new() else {
      throw ZeroMQError(code: zmq_errno(), operation: "zmq_ctx_new")
    }
    self.pointer = pointer
    try zmqCall("zmq_ctx_set") { zmq_ctx_set(pointer, ZMQ_BLOCKY, 0) }
  }

  deinit {
    // Safe: every socket keeps its context, so none is open here and the call does not wait.
    while zmq_ctx_term(pointer) != 0, zmq_errno() == EINTR {}
  }
}
