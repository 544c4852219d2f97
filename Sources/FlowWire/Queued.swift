// SPDX-License-Identifier: Apache-2.0

/// Says that an `open` waits until a session ends.
public struct Queued: Sendable, Equatable {
  /// The name that the session will have; it may be cancelled under it.
  public let session: String
  /// 1 is next.
  public let position: Int

  /// A place in the queue.
  public init(session: String, position: Int) { (self.session, self.position) = (session, position) }

  init(_ fields: FieldReader) throws(WireError) {
    session = try fields.require("sid", fields.string("sid"))
    position = try fields.require("position", fields.integer("position"))
  }

  func append(to object: inout JSONObject) {
    object.append("sid", session)
    object.append("position", position)
  }
}

/// Says under which name a stream can be had as it was.
public struct SnapshotTaken: Sendable, Equatable {
  /// The session.
  public let session: String
  /// The name of the snapshot, which lives as long as the session.
  public let snapshot: String
  /// The index of the frame that comes next after it.
  public let frame: Int
  /// Bytes of memory that it holds.
  public let bytes: Int

  /// A snapshot that was taken.
  public init(session: String, snapshot: String, frame: Int, bytes: Int) {
    (self.session, self.snapshot, self.frame, self.bytes) = (session, snapshot, frame, bytes)
  }

  init(_ fields: FieldReader) throws(WireError) {
    session = try fields.require("sid", fields.string("sid"))
    snapshot = try fields.require("snapshot", fields.string("snapshot"))
    frame = try fields.require("seq", fields.integer("seq"))
    bytes = try fields.require("bytes", fields.integer("bytes"))
  }

  func append(to object: inout JSONObject) {
    object.append("sid", session)
    object.append("snapshot", snapshot)
    object.append("seq", frame)
    object.append("bytes", bytes)
  }
}
