// SPDX-License-Identifier: Apache-2.0

/// Why a daemon cannot start.
public struct StartError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The exit codes of such failures, those of sysexits.h.
  public enum Kind: Int32, Sendable {
    /// The endpoint cannot be listened at.
    case unavailable = 69
    /// The socket's file or folder cannot be made.
    case cannotCreate = 73
    /// Another daemon listens there.
    case busy = 75
    /// A key or a list of users cannot be read, or can be by others.
    case permission = 77
    /// The configuration asks for what is not allowed.
    case configuration = 78
  }

  /// What kind of failure this is.
  public let kind: Kind
  /// What is wrong and what to do about it.
  public let description: String

  init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}
