// SPDX-License-Identifier: Apache-2.0

/// Says from which frame on a change of actions holds.
public struct ControlAcknowledgement: Sendable, Equatable {
  /// What became of the change.
  public enum Outcome: Sendable, Equatable {
    /// It holds from this frame on.
    case applied(frame: Int)
    /// It named a frame that had been generated; the next one that had not is told.
    case gone(next: Int)
  }

  /// The session.
  public let session: String
  /// The client's number for the change.
  public let number: Int?
  /// What became of it.
  public let outcome: Outcome

  /// Says what became of a change.
  public init(session: String, number: Int?, outcome: Outcome) {
    self.session = session
    self.number = number
    self.outcome = outcome
  }

  init(_ fields: FieldReader) throws(WireError) {
    session = try fields.require("sid", fields.string("sid"))
    number = try fields.integer("ctl")
    if let frame = try fields.integer("applied_seq") {
      outcome = .applied(frame: frame)
    } else {
      outcome = .gone(next: try fields.require("next_seq", fields.integer("next_seq")))
    }
  }

  func append(to object: inout JSONObject) {
    object.append("sid", session)
    object.append("ctl", number)
    switch outcome {
    case .applied(let frame): object.append("applied_seq", frame)
    case .gone(let next):
      object.append("rejected", WireError.Code.gone.rawValue)
      object.append("next_seq", next)
    }
  }
}

/// Says how far a session is when it has nothing else to say.
public struct Progress: Sendable, Equatable {
  /// What a session waits for.
  public enum Phase: String, Sendable {
    /// The model is being loaded.
    case loading
    /// The next frame, or the next points, are being generated.
    case generating
    /// The encoder, or what makes the digest, is at work.
    case encoding
    /// The client has given no credit.
    case credit
    /// A place among the sessions.
    case queued
    /// The client, which cannot be reached.
    case lost
    /// The client, which has paused it.
    case paused
  }

  /// The session.
  public let session: String
  /// What it waits for.
  public let phase: Phase
  /// Frames or points generated.
  public let done: Int
  /// Frames or points asked for; 0 without end.
  public let total: Int
  /// Messages that may be sent before more credit is given.
  public let creditLeft: Int

  /// Says how far a session is.
  public init(session: String, phase: Phase, done: Int, total: Int, creditLeft: Int) {
    self.session = session
    self.phase = phase
    self.done = done
    self.total = total
    self.creditLeft = creditLeft
  }

  init(_ fields: FieldReader) throws(WireError) {
    session = try fields.require("sid", fields.string("sid"))
    phase = try fields.require("phase", Phase(rawValue: fields.string("phase") ?? ""))
    done = try fields.require("done", fields.integer("done"))
    total = try fields.require("total", fields.integer("total"))
    creditLeft = try fields.require("credit_left", fields.integer("credit_left"))
  }

  func append(to object: inout JSONObject) {
    object.append("sid", session)
    object.append("phase", phase.rawValue)
    object.append("done", done)
    object.append("total", total)
    object.append("credit_left", creditLeft)
  }
}

/// The last word on a session.
public struct StreamEnd: Sendable, Equatable {
  /// Why a session ended.
  public enum Reason: String, Sendable {
    /// Everything asked for was sent, or the client closed it and got the rest.
    case done
    /// The client cancelled it.
    case cancelled
    /// The daemon is about to stop.
    case drained
    /// The client gave no credit for too long.
    case idle
    /// The client could not be reached.
    case lease
    /// An `error` came before.
    case error
  }

  /// The session.
  public let session: String
  /// Why it ended.
  public let reason: Reason
  /// Frames that the sent messages make visible; 0 of a stream of points.
  public let frames: Int
  /// Points sent; nil for a video.
  public let points: Int?
  /// Bytes of all bodies sent.
  public let bytes: Int
  /// Milliseconds since `opened`.
  public let milliseconds: Int
  /// SHA-256 of all bodies sent, in order.
  public let sha256: String
  /// Messages that were made and not sent.
  public let dropped: Int
  /// The actions that were taken, as `open` takes them; nil unless it was asked for them.
  public let log: [ActionRun]?
  /// Where the server kept them, if it was asked to.
  public var recorded: RecordedFile?

  /// The last word on a session.
  public init(
    session: String, reason: Reason, frames: Int, points: Int? = nil, bytes: Int, milliseconds: Int,
    sha256: String, dropped: Int = 0, log: [ActionRun]? = nil
  ) {
    self.session = session
    self.reason = reason
    self.frames = frames
    self.points = points
    self.bytes = bytes
    self.milliseconds = milliseconds
    self.sha256 = sha256
    self.dropped = dropped
    self.log = log
  }

  init(_ fields: FieldReader) throws(WireError) {
    session = try fields.require("sid", fields.string("sid"))
    reason = try fields.require("reason", Reason(rawValue: fields.string("reason") ?? ""))
    frames = try fields.require("frames", fields.integer("frames"))
    points = try fields.integer("points")
    bytes = try fields.require("bytes", fields.integer("bytes"))
    milliseconds = try fields.require("ms", fields.integer("ms"))
    sha256 = try fields.require("sha256", fields.string("sha256"))
    dropped = try fields.integer("dropped") ?? 0
    if let runs = try fields.array("log") { log = try readRuns("log", runs) } else { log = nil }
    recorded = try fields.reader("recorded").map { reader throws(WireError) in try RecordedFile(reader) }
  }

  func append(to object: inout JSONObject) {
    object.append("sid", session)
    object.append("reason", reason.rawValue)
    object.append("frames", frames)
    object.append("points", points)
    object.append("bytes", bytes)
    object.append("ms", milliseconds)
    object.append("sha256", sha256)
    object.append("dropped", dropped == 0 ? nil : dropped)
    object.append("log", log.map { .array($0.map(\.json)) })
    object.append("recorded", (recorded?.json).map(JSONValue.object))
  }
}

/// An error as it is told to a client.
public struct Failure: Sendable, Equatable {
  /// The session that is concerned, where there is one.
  public let session: String?
  /// What is wrong and what to do about it.
  public let error: WireError

  /// Tells an error, of a session or not.
  public init(session: String? = nil, _ error: WireError) {
    self.session = session
    self.error = error
  }

  init(_ fields: FieldReader) throws(WireError) {
    session = try fields.string("sid")
    error = WireError(
      WireError.Code(rawValue: try fields.require("code", fields.string("code"))),
      try fields.require("message", fields.string("message")), field: try fields.string("field"),
      retryable: try fields.boolean("retryable"), oldest: try fields.integer("oldest"))
  }

  func append(to object: inout JSONObject) {
    object.append("sid", session)
    object.append("code", error.code.rawValue)
    object.append("message", error.message)
    object.append("field", error.field)
    object.append("retryable", error.retryable)
    object.append("oldest", error.oldest)
  }
}
