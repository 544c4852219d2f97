// SPDX-License-Identifier: Apache-2.0

/// What went wrong with a picture or a stream of pictures, and what to do about it.
public struct VideoError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of failure; the raw values are stable.
  public enum Code: String, Sendable, CaseIterable {
    /// A width, a height or a count of bytes does not fit.
    case badSize = "bad_size"
    /// Another setting is out of its range.
    case badSetting = "bad_setting"
    /// The bytes of an image cannot be decoded.
    case badImage = "bad_image"
    /// FFmpeg failed at something that should have worked.
    case libraryFailed = "library_failed"
  }

  /// What kind of failure this is.
  public let code: Code
  /// What was being done: a setting's name, or a function of FFmpeg.
  public let operation: String
  /// What is wrong, with the remedy where one is known.
  public let message: String

  /// A failure of `operation`.
  public init(code: Code, operation: String, message: String) {
    self.code = code
    self.operation = operation
    self.message = message
  }

  /// `operation: message`.
  public var description: String { "\(operation): \(message)" }

  /// The same failure under another code.
  func recoded(_ code: Code) -> VideoError {
    VideoError(code: code, operation: operation, message: message)
  }
}
