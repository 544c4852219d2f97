// SPDX-License-Identifier: Apache-2.0

/// What a client may know of a model without opening a stream.
public struct ModelSummary: Sendable, Equatable {
  /// Whether a model can be used.
  public enum State: Sendable, Equatable {
    /// It is known by name and will be loaded when it is first asked for.
    case absent
    /// It is being loaded.
    case loading
    /// It is loaded; its details are known.
    case ready(ModelDetails)
    /// It cannot be loaded, and why.
    case failed(String)
  }

  /// The name of the model.
  public let name: String
  /// Whether it can be used.
  public let state: State
  /// What its files say of a model that is not loaded.
  private let described: ModelDetails?

  /// The details of a model, if it is loaded or its files say them.
  public var details: ModelDetails? { if case .ready(let details) = state { details } else { described } }

  /// A model by name.
  ///
  /// - Parameter described: what its files say of a model that is not loaded.
  public init(name: String, state: State, described: ModelDetails? = nil) {
    self.name = name
    self.state = state
    self.described = described
  }

  init(_ fields: FieldReader) throws(WireError) {
    name = try fields.require("name", fields.string("name"))
    let word = try fields.require("state", fields.string("state"))
    described = word != "ready" && fields.has("kind") ? try ModelDetails(fields) : nil
    switch word {
    case "absent": state = .absent
    case "loading": state = .loading
    case "ready": state = .ready(try ModelDetails(fields))
    case "failed": state = .failed(try fields.require("error", fields.string("error")))
    default: throw fields.mismatch("state", "\"\(word)\" is not known")
    }
  }

  static func list(_ readers: [FieldReader]) throws(WireError) -> [ModelSummary] {
    var models: [ModelSummary] = []
    for reader in readers { models.append(try ModelSummary(reader)) }
    return models
  }

  var json: JSONObject {
    var object = JSONObject()
    object.append("name", name)
    switch state {
    case .absent: object.append("state", "absent")
    case .loading: object.append("state", "loading")
    case .ready(let details):
      object.append("state", "ready")
      details.append(to: &object)
    case .failed(let error):
      object.append("state", "failed")
      object.append("error", error)
    }
    described?.append(to: &object)
    return object
  }
}

/// What is known of a model once it is loaded.
public enum ModelDetails: Sendable, Equatable {
  /// It makes frames.
  case video(VideoDetails)
  /// It makes points.
  case manifold(ManifoldDetails)

  /// SHA-256 of the weights file.
  public var sha256: String {
    switch self {
    case .video(let details): details.sha256
    case .manifold(let details): details.sha256
    }
  }

  init(_ fields: FieldReader) throws(WireError) {
    switch try fields.string("kind") {
    case nil, "video": self = .video(try VideoDetails(fields))
    case "manifold": self = .manifold(try ManifoldDetails(fields))
    case let word?: throw fields.mismatch("kind", "\"\(word)\" is not known")
    }
  }

  func append(to object: inout JSONObject) {
    switch self {
    case .video(let details):
      object.append("kind", "video")
      details.append(to: &object)
    case .manifold(let details):
      object.append("kind", "manifold")
      details.append(to: &object)
    }
  }
}
