// SPDX-License-Identifier: Apache-2.0

/// Who the daemon is.
public struct Welcome: Sendable, Equatable {
  /// The name of the program: `flowd`.
  public let server: String
  /// Its version.
  public let version: String
  /// The versions of the protocol that it speaks.
  public let versions: [Int]
  /// What it sets bounds to.
  public let limits: ServerLimits
  /// The name under which the daemon knows the client; nil where everybody may connect.
  public var user: String?
  /// Where streams can be watched by others than their clients; nil if nowhere.
  public var observers: String?

  /// Who the daemon is.
  public init(server: String, version: String, versions: [Int] = [WireLimits.version], limits: ServerLimits) {
    self.server = server
    self.version = version
    self.versions = versions
    self.limits = limits
  }

  init(_ fields: FieldReader) throws(WireError) {
    server = try fields.require("server", fields.string("server"))
    version = try fields.require("version", fields.string("version"))
    versions = try fields.require("versions", fields.integers("versions"))
    limits = try ServerLimits(fields.require("limits", fields.reader("limits")))
    user = try fields.string("auth_user")
    observers = try fields.string("observers")
  }

  func append(to object: inout JSONObject) {
    object.append("server", server)
    object.append("version", version)
    object.append("versions", versions)
    object.append("limits", .object(limits.json))
    object.append("auth_user", user)
    object.append("observers", observers)
  }
}

/// What the daemon, or one of its models, can do.
public struct Capabilities: Sendable, Equatable {
  /// The kinds of stream it makes.
  public let formats: [String]
  /// How it enlarges frames.
  public let filters: [String]
  /// How an initial image may be encoded.
  public let imageEncodings: [String]
  /// Optional features of the protocol that it has, by name.
  public let features: [String]
  /// What it sets bounds to.
  public let limits: ServerLimits
  /// The model that was asked about.
  public let model: ModelSummary?

  /// What this version of the daemon can do, and the model that was asked about.
  ///
  /// - Parameters:
  ///   - records: whether it has a folder for recordings.
  ///   - isObserved: whether it has a socket at which streams can be watched.
  public init(
    limits: ServerLimits, model: ModelSummary? = nil, records: Bool = false, isObserved: Bool = false
  ) {
    formats = StreamFormat.Kind.allCases.map(\.rawValue) + [PointsWish.format]
    filters = StreamFormat.Filter.allCases.map(\.rawValue)
    imageEncodings = InitialImage.Encoding.allCases.map(\.rawValue)
    features =
      [
        "action", "actions", "image", "scale", "sha256", "points", "start", "trajectory", "resume", "queue",
        "pace", "policy", "pause", "flush", "snapshot", "rewind", "ctl_log", "load",
      ]
      + (records ? ["record"] : []) + (isObserved ? ["observe"] : [])
    self.limits = limits
    self.model = model
  }

  init(_ fields: FieldReader) throws(WireError) {
    formats = try fields.require("formats", fields.strings("formats"))
    filters = try fields.require("filters", fields.strings("filters"))
    imageEncodings = try fields.require("image_encodings", fields.strings("image_encodings"))
    features = try fields.require("features", fields.strings("features"))
    limits = try ServerLimits(fields.require("limits", fields.reader("limits")))
    model = if let model = try fields.reader("model") { try ModelSummary(model) } else { nil }
  }

  func append(to object: inout JSONObject) {
    object.append("formats", formats)
    object.append("filters", filters)
    object.append("image_encodings", imageEncodings)
    object.append("features", features)
    object.append("limits", .object(limits.json))
    object.append("model", (model?.json).map(JSONValue.object))
  }
}
