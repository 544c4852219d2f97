// SPDX-License-Identifier: Apache-2.0

/// Why a text is not JSON that we take.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What was expected, or which limit was passed.
  public let message: String
  /// Where, in bytes from the start.
  public let offset: Int

  /// `message at byte offset`.
  public var description: String { "\(message) at byte \(offset)" }
}
