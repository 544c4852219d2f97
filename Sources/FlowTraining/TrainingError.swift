// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Why training cannot go on: a stable code and a message that ends with the remedy.
public struct TrainingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The closed list of causes.
  public enum Code: String, Sendable {
    /// A file cannot be read.
    case unreadable
    /// The recipe is not one.
    case badRecipe
    /// The recording does not have the tensors or extents that training needs.
    case badRecording
    /// A line of a data set is not what its format asks for.
    case badData
    /// A checkpoint belongs to another recipe.
    case badCheckpoint
    /// The loss is not finite.
    case diverged
    /// Somebody interrupted the training; all is saved.
    case interrupted
  }

  /// The cause, for programs.
  public let code: Code
  /// The cause and the remedy, for people.
  public let message: String

  /// An error with this cause.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}

/// cos x.
func cosine(_ x: Float) -> Float { cosf(x) }
