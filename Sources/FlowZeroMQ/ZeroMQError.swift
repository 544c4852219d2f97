// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ
internal import Glibc

/// A call of libzmq failed.
public struct ZeroMQError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The value of `errno`.
  public let code: Int32
  /// The call, and what it was about where that helps.
  public let operation: String

  /// `operation: what the code means (code)`.
  public var description: String { "\(operation): \(String(cString: zmq_strerror(code))) (\(code))" }

  /// The message could not be taken or given now.
  public static let wouldBlock = EAGAIN
  /// No peer has the routing identity to which a message was addressed.
  public static let hostUnreachable = EHOSTUNREACH
  /// Another socket is bound to the endpoint.
  public static let addressInUse = EADDRINUSE
}

/// Calls libzmq, takes up calls that a signal interrupted, and throws what failed.
///
/// - Parameters:
///   - operation: named in the error.
///   - body: returns a negative number if it failed, having set `errno`.
@discardableResult
func zmqCall(_ operation: @autoclosure () -> String, _ body: () -> Int32) throws(ZeroMQError) -> Int32 {
  while true {
    let result = body()
    if result >= 0 { return result }
    let code = zmq_errno()
    guard code == EINTR else { throw ZeroMQError(code: code, operation: operation()) }
  }
}
