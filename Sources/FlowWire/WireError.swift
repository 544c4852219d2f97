// SPDX-License-Identifier: Apache-2.0

/// What a client is told when something cannot be done: a stable code, the field to blame and the remedy.
public struct WireError: Error, Sendable, Equatable {
  /// A kind of failure, as it stands on the wire; a receiver must expect codes it does not know.
  public struct Code: RawRepresentable, Hashable, Sendable {
    /// The code on the wire.
    public let rawValue: String
    /// A code as it stands on the wire.
    public init(rawValue: String) { self.rawValue = rawValue }
  }

  /// What kind of failure this is.
  public let code: Code
  /// What is wrong and what to do about it.
  public let message: String
  /// The field of the request that is to blame, `format.crf` being a field of a field.
  public let field: String?
  /// Whether the same request may succeed later.
  public let retryable: Bool
  /// The oldest message that can still be had, if an older one was asked for.
  public let oldest: Int?

  /// An error; it is retryable if its code usually is, unless said otherwise. A message that is too long is cut.
  public init(
    _ code: Code, _ message: String, field: String? = nil, retryable: Bool? = nil, oldest: Int? = nil
  ) {
    self.code = code
    self.message = bounded(message)
    self.field = field
    self.retryable = retryable ?? code.isUsuallyRetryable
    self.oldest = oldest
  }

  /// A request whose field is missing, of the wrong type or out of its range.
  public static func badRequest(_ field: String, _ message: String) -> WireError {
    WireError(.badRequest, message, field: field)
  }
}

/// The text, or its beginning: it may quote what a client sent.
private func bounded(_ text: String) -> String {
  let most = WireLimits.messageBytes, ending = "…"
  guard text.utf8.count > most else { return text }
  let end = text.utf8.index(text.startIndex, offsetBy: most - ending.utf8.count)
  return String(text.unicodeScalars[..<end]) + ending
}

extension WireError.Code {
  /// Part 0 is not a JSON object in UTF-8.
  public static let badHeader = Self(rawValue: "bad_header")
  /// The field `v` names a version that is not spoken here.
  public static let unsupportedVersion = Self(rawValue: "unsupported_version")
  /// The field `op` names an operation that is not known here.
  public static let unknownOperation = Self(rawValue: "unknown_op")
  /// A field is missing, of the wrong type or out of its range.
  public static let badRequest = Self(rawValue: "bad_request")
  /// The kind of stream asked for is not made here.
  public static let unsupportedFormat = Self(rawValue: "unsupported_format")
  /// A part has more bytes than allowed.
  public static let tooLarge = Self(rawValue: "too_large")
  /// The client did not say who it is.
  public static let unauthorized = Self(rawValue: "unauthorized")
  /// The client may not do this.
  public static let forbidden = Self(rawValue: "forbidden")
  /// No such model or session.
  public static let notFound = Self(rawValue: "not_found")
  /// A place in the stream that has passed.
  public static let gone = Self(rawValue: "gone")
  /// The session is held by another client that is alive.
  public static let conflict = Self(rawValue: "conflict")
  /// As many sessions are open as the server takes.
  public static let sessionLimit = Self(rawValue: "session_limit")
  /// As many requests wait as the server takes.
  public static let queueFull = Self(rawValue: "queue_full")
  /// The memory set aside for caches is spoken for.
  public static let cacheBudget = Self(rawValue: "kv_budget")
  /// The model is being loaded.
  public static let modelLoading = Self(rawValue: "model_loading")
  /// The model cannot be loaded.
  public static let modelFailed = Self(rawValue: "model_failed")
  /// The server is about to stop and opens nothing any more.
  public static let draining = Self(rawValue: "draining")
  /// The time for the request has run out.
  public static let deadline = Self(rawValue: "deadline")
  /// The session gave no credit for too long.
  public static let idle = Self(rawValue: "idle")
  /// The request was cancelled.
  public static let cancelled = Self(rawValue: "cancelled")
  /// A network produced a value that is not finite.
  public static let numerical = Self(rawValue: "numerical")
  /// The encoder failed.
  public static let encoder = Self(rawValue: "encoder")
  /// A fault of the server.
  public static let `internal` = Self(rawValue: "internal")

  /// The status that HTTP would answer with, for every code of the closed list.
  public static let httpStatus: [WireError.Code: Int] = [
    badHeader: 400, unsupportedVersion: 400, unknownOperation: 400, badRequest: 422, unsupportedFormat: 415,
    tooLarge: 413, unauthorized: 401, forbidden: 403, notFound: 404, gone: 410, conflict: 409,
    sessionLimit: 429, queueFull: 429, cacheBudget: 429, modelLoading: 503, modelFailed: 500, draining: 503,
    deadline: 504, idle: 408, cancelled: 499, numerical: 500, encoder: 500, `internal`: 500,
  ]

  /// Whether waiting usually helps.
  var isUsuallyRetryable: Bool {
    [Self.sessionLimit, .queueFull, .cacheBudget, .modelLoading, .draining, .deadline].contains(self)
  }
}
