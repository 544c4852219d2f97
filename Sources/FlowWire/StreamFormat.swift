// SPDX-License-Identifier: Apache-2.0

/// What the frames of a stream are turned into before they are sent.
public struct StreamFormat: Sendable, Equatable {
  /// The kinds of stream.
  public enum Kind: String, Sendable, CaseIterable {
    /// Bare RGB frames, each in a `frame` message; all other kinds travel in `media` messages.
    case rgb24
    /// Bare planar 4:2:0 frames.
    case yuv420p
    /// YUV4MPEG2.
    case y4m
    /// Fragmented MP4 with H.264.
    case fmp4
    /// MPEG transport stream with H.264.
    case mpegts
    /// One PNG file a frame.
    case png

    /// Whether each message is a frame that wants no other.
    public var standsAlone: Bool { self == .rgb24 || self == .yuv420p || self == .png }
  }

  /// How frames are enlarged.
  public enum Filter: String, Sendable, CaseIterable {
    /// Every pixel becomes a square.
    case nearest
    /// Smooth.
    case bicubic
  }

  /// What the frames become.
  public let kind: Kind
  /// H.264's constant rate factor, 0…51; nil lets the server choose.
  public let crf: Int?
  /// The most frames from one key frame to the next, 1…1000; nil lets the server choose.
  public let gop: Int?
  /// How many times larger the frames are sent than generated, 1…16.
  public let scale: Int
  /// How they are made larger.
  public let filter: Filter

  /// Bare RGB frames in the model's own size: the format of an `open` that names none.
  public static let plain = StreamFormat()

  private init() {
    kind = .rgb24
    crf = nil
    gop = nil
    scale = 1
    filter = .nearest
  }

  /// Checks a format; an error names the field, such as `format.crf`.
  public init(
    _ kind: Kind, crf: Int? = nil, gop: Int? = nil, scale: Int = 1, filter: Filter = .nearest
  ) throws(WireError) {
    if let crf { try checkRange("format.crf", crf, 0...51) }
    if let gop { try checkRange("format.gop", gop, 1...1000) }
    try checkRange("format.scale", scale, 1...16)
    self.kind = kind
    self.crf = crf
    self.gop = gop
    self.scale = scale
    self.filter = filter
  }

  init(_ fields: FieldReader) throws(WireError) {
    let name = try fields.require("kind", fields.string("kind"))
    guard let kind = Kind(rawValue: name) else {
      let kinds = Kind.allCases.map(\.rawValue).joined(separator: ", ")
      throw WireError(
        .unsupportedFormat, "format.kind \"\(name)\" is not made here; take one of \(kinds)",
        field: "format.kind")
    }
    let filterName = try fields.string("filter") ?? Filter.nearest.rawValue
    guard let filter = Filter(rawValue: filterName) else {
      throw fields.mismatch("filter", "\"\(filterName)\" is unknown; take nearest or bicubic")
    }
    try self.init(
      kind, crf: fields.integer("crf"), gop: fields.integer("gop"), scale: fields.integer("scale") ?? 1,
      filter: filter)
  }

  var json: JSONObject {
    var object = JSONObject()
    object.append("kind", kind.rawValue)
    object.append("crf", crf)
    object.append("gop", gop)
    object.append("scale", scale)
    object.append("filter", filter.rawValue)
    return object
  }
}
