// SPDX-License-Identifier: Apache-2.0

/// Describes one bare RGB frame, whose pixels are the body: rows from top to bottom, no padding.
public struct FrameHeader: Sendable, Equatable {
  /// The session.
  public let session: String
  /// The index of the message, from 0; here also the index of the frame and its time in units of one frame.
  public let sequence: Int
  /// Pixels in a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// The action that was taken.
  public let action: String
  /// The client's number of the last control that had been applied.
  public let control: Int?
  /// Milliseconds that generating took.
  public let generationMilliseconds: Double
  /// Whether this is the last frame of a stream whose length was given.
  public let isLast: Bool
  /// How many messages before this one were dropped.
  public let dropped: Int

  /// Describes a frame.
  public init(
    session: String, sequence: Int, width: Int, height: Int, action: String, control: Int?,
    generationMilliseconds: Double, isLast: Bool, dropped: Int = 0
  ) {
    self.session = session
    self.sequence = sequence
    self.width = width
    self.height = height
    self.action = action
    self.control = control
    self.generationMilliseconds = generationMilliseconds
    self.isLast = isLast
    self.dropped = dropped
  }

  init(_ fields: FieldReader) throws(WireError) {
    session = try fields.require("sid", fields.string("sid"))
    sequence = try fields.require("seq", fields.integer("seq"))
    width = try fields.require("w", fields.integer("w"))
    height = try fields.require("h", fields.integer("h"))
    try checkRange("w", width, 1...WireLimits.frameSide)
    try checkRange("h", height, 1...WireLimits.frameSide)
    action = try fields.require("action", fields.string("action"))
    control = try fields.integer("ctl")
    generationMilliseconds = try fields.require("gen_ms", fields.number("gen_ms"))
    isLast = try fields.boolean("last") ?? false
    dropped = try fields.integer("dropped") ?? 0
  }

  func append(to object: inout JSONObject) {
    object.append("sid", session)
    object.append("seq", sequence)
    object.append("pts", sequence)
    object.append("w", width)
    object.append("h", height)
    object.append("stride", [width * 3])
    object.append("pix", "rgb24")
    object.append("action", action)
    object.append("ctl", control)
    object.append("gen_ms", generationMilliseconds)
    object.append("last", isLast)
    object.append("dropped", dropped == 0 ? nil : dropped)
  }
}

/// Describes a run of bytes of an encoded stream; all bodies in order are the stream.
public struct MediaHeader: Sendable, Equatable {
  /// What the bytes are.
  public enum Kind: String, Sendable {
    /// A header that shows nothing by itself.
    case initial = "init"
    /// Everything else, the trailer included.
    case segment
  }

  /// The session.
  public let session: String
  /// The index of the message, from 0.
  public let sequence: Int
  /// What the bytes are.
  public let kind: Kind
  /// The media type of the stream.
  public let mediaType: String
  /// The index of the first frame that the bytes make visible: its time in units of one frame.
  public let firstFrame: Int
  /// How many frames the bytes make visible.
  public let frames: Int
  /// Whether a player may begin here.
  public let isKey: Bool
  /// How many messages before this one were dropped.
  public let dropped: Int

  /// Describes a run of bytes.
  public init(
    session: String, sequence: Int, kind: Kind, mediaType: String, firstFrame: Int, frames: Int, isKey: Bool,
    dropped: Int = 0
  ) {
    self.session = session
    self.sequence = sequence
    self.kind = kind
    self.mediaType = mediaType
    self.firstFrame = firstFrame
    self.frames = frames
    self.isKey = isKey
    self.dropped = dropped
  }

  init(_ fields: FieldReader) throws(WireError) {
    session = try fields.require("sid", fields.string("sid"))
    sequence = try fields.require("seq", fields.integer("seq"))
    kind = try fields.require("kind", Kind(rawValue: fields.string("kind") ?? ""))
    mediaType = try fields.require("mime", fields.string("mime"))
    firstFrame = try fields.require("pts", fields.integer("pts"))
    frames = try fields.require("dur", fields.integer("dur"))
    try checkRange("dur", frames, 0...WireLimits.frames)
    isKey = try fields.require("key", fields.boolean("key"))
    dropped = try fields.integer("dropped") ?? 0
  }

  func append(to object: inout JSONObject) {
    object.append("sid", session)
    object.append("seq", sequence)
    object.append("kind", kind.rawValue)
    object.append("mime", mediaType)
    object.append("pts", firstFrame)
    object.append("dur", frames)
    object.append("key", isKey)
    object.append("dropped", dropped == 0 ? nil : dropped)
  }
}
