// SPDX-License-Identifier: Apache-2.0

/// Why a command of the client did not do what it was asked.
public struct ClientError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of failure; each is one exit status, which scripts may rely on.
  public enum Kind: Int32, Sendable, CaseIterable {
    /// The server sent what the protocol does not allow.
    case misbehaved = 1
    /// The command line, an action or a file that it names is wrong.
    case usage = 2
    /// Nothing answers at the endpoint.
    case unreachable = 3
    /// The server answered with an error.
    case refused = 4
    /// The stream ended before its end.
    case broken = 5
    /// The output cannot be created or written (`EX_CANTCREAT`).
    case output = 73
    /// The user interrupted and the server has stopped.
    case interrupted = 130
  }

  /// What kind of failure this is.
  public let kind: Kind
  /// What is wrong, and what to do about it.
  public let message: String

  /// A failure.
  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// The status that the process ends with.
  public var exitStatus: Int32 { kind.rawValue }

  /// The message.
  public var description: String { message }
}
