// SPDX-License-Identifier: Apache-2.0

/// What a daemon sets bounds to.
public struct ServerLimits: Sendable, Equatable {
  /// The most sessions at a time.
  public let sessions: Int
  /// The most messages that a session may be owed.
  public let credit: Int
  /// The most bytes of part 0 of a request.
  public let headerBytes: Int
  /// The most bytes of any part of a request.
  public let partBytes: Int
  /// After how many milliseconds without credit a session ends.
  public let idleMilliseconds: Int

  /// The bounds of a daemon.
  public init(
    sessions: Int, credit: Int = WireLimits.credit, headerBytes: Int = WireLimits.headerBytes,
    partBytes: Int = WireLimits.partBytes, idleMilliseconds: Int
  ) {
    self.sessions = sessions
    self.credit = credit
    self.headerBytes = headerBytes
    self.partBytes = partBytes
    self.idleMilliseconds = idleMilliseconds
  }

  init(_ fields: FieldReader) throws(WireError) {
    sessions = try fields.require("max_sessions", fields.integer("max_sessions"))
    credit = try fields.require("max_credit", fields.integer("max_credit"))
    headerBytes = try fields.require("max_header_bytes", fields.integer("max_header_bytes"))
    partBytes = try fields.require("max_part_bytes", fields.integer("max_part_bytes"))
    idleMilliseconds = try fields.require("idle_ms", fields.integer("idle_ms"))
  }

  var json: JSONObject {
    var object = JSONObject()
    object.append("max_sessions", sessions)
    object.append("max_credit", credit)
    object.append("max_header_bytes", headerBytes)
    object.append("max_part_bytes", partBytes)
    object.append("idle_ms", idleMilliseconds)
    return object
  }
}
