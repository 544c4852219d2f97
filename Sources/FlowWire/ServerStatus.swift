// SPDX-License-Identifier: Apache-2.0

/// How a daemon is.
public struct ServerStatus: Sendable, Equatable {
  /// The version of the program.
  public let version: String
  /// Milliseconds since it was ready.
  public let uptimeMilliseconds: Int
  /// Whether it is about to stop.
  public let isDraining: Bool
  /// What it sets bounds to.
  public let limits: ServerLimits
  /// The sessions that are open.
  public let sessions: [SessionStatus]
  /// The models it knows.
  public let models: [ModelSummary]
  /// Sessions opened so far.
  public let sessionsOpened: Int
  /// Frames generated so far.
  public let framesGenerated: Int
  /// Points generated so far.
  public let pointsGenerated: Int

  /// How a daemon is.
  public init(
    version: String, uptimeMilliseconds: Int, isDraining: Bool, limits: ServerLimits,
    sessions: [SessionStatus], models: [ModelSummary], sessionsOpened: Int, framesGenerated: Int,
    pointsGenerated: Int
  ) {
    self.version = version
    self.uptimeMilliseconds = uptimeMilliseconds
    self.isDraining = isDraining
    self.limits = limits
    self.sessions = sessions
    self.models = models
    self.sessionsOpened = sessionsOpened
    self.framesGenerated = framesGenerated
    self.pointsGenerated = pointsGenerated
  }

  init(_ fields: FieldReader) throws(WireError) {
    version = try fields.require("version", fields.string("version"))
    uptimeMilliseconds = try fields.require("uptime_ms", fields.integer("uptime_ms"))
    isDraining = try fields.require("draining", fields.boolean("draining"))
    limits = try ServerLimits(fields.require("limits", fields.reader("limits")))
    sessions = try SessionStatus.list(fields.require("sessions", fields.objects("sessions")))
    models = try ModelSummary.list(fields.require("models", fields.objects("models")))
    sessionsOpened = try fields.require("sessions_opened", fields.integer("sessions_opened"))
    framesGenerated = try fields.require("frames_generated", fields.integer("frames_generated"))
    pointsGenerated = try fields.integer("points_generated") ?? 0
  }

  func append(to object: inout JSONObject) {
    object.append("version", version)
    object.append("uptime_ms", uptimeMilliseconds)
    object.append("draining", isDraining)
    object.append("limits", .object(limits.json))
    object.append("sessions", .array(sessions.map { .object($0.json) }))
    object.append("models", .array(models.map { .object($0.json) }))
    object.append("sessions_opened", sessionsOpened)
    object.append("frames_generated", framesGenerated)
    object.append("points_generated", pointsGenerated)
  }
}

/// How a session is.
public struct SessionStatus: Sendable, Equatable {
  /// The session.
  public let session: String
  /// The name of its model.
  public let model: String
  /// The kind of stream.
  public let format: String
  /// What it waits for.
  public let phase: Progress.Phase
  /// Frames or points generated.
  public let done: Int
  /// Frames or points asked for; 0 without end.
  public let total: Int
  /// Messages that may be sent before more credit is given.
  public let creditLeft: Int
  /// Milliseconds since `opened`.
  public let ageMilliseconds: Int

  /// How a session is.
  public init(
    session: String, model: String, format: String, phase: Progress.Phase, done: Int, total: Int,
    creditLeft: Int, ageMilliseconds: Int
  ) {
    self.session = session
    self.model = model
    self.format = format
    self.phase = phase
    self.done = done
    self.total = total
    self.creditLeft = creditLeft
    self.ageMilliseconds = ageMilliseconds
  }

  init(_ fields: FieldReader) throws(WireError) {
    session = try fields.require("sid", fields.string("sid"))
    model = try fields.require("model", fields.string("model"))
    format = try fields.require("format", fields.string("format"))
    phase = try fields.require("phase", Progress.Phase(rawValue: fields.string("phase") ?? ""))
    done = try fields.require("done", fields.integer("done"))
    total = try fields.require("total", fields.integer("total"))
    creditLeft = try fields.require("credit_left", fields.integer("credit_left"))
    ageMilliseconds = try fields.require("age_ms", fields.integer("age_ms"))
  }

  static func list(_ readers: [FieldReader]) throws(WireError) -> [SessionStatus] {
    var sessions: [SessionStatus] = []
    for reader in readers { sessions.append(try SessionStatus(reader)) }
    return sessions
  }

  var json: JSONObject {
    var object = JSONObject()
    object.append("sid", session)
    object.append("model", model)
    object.append("format", format)
    object.append("phase", phase.rawValue)
    object.append("done", done)
    object.append("total", total)
    object.append("credit_left", creditLeft)
    object.append("age_ms", ageMilliseconds)
    return object
  }
}
