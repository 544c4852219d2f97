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

  /// The details of a model that is loaded.
  public var details: ModelDetails? { if case .ready(let details) = state { details } else { nil } }

  /// A model by name.
  public init(name: String, state: State) {
    self.name = name
    self.state = state
  }

  init(_ fields: FieldReader) throws(WireError) {
    name = try fields.require("name", fields.string("name"))
    let word = try fields.require("state", fields.string("state"))
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
    return object
  }
}

/// What is known of a model once it is loaded.
public struct ModelDetails: Sendable, Equatable {
  /// SHA-256 of the weights file.
  public let sha256: String
  /// Pixels in a row of a frame.
  public let width: Int
  /// Rows of a frame.
  public let height: Int
  /// The rate for playback unless the client asks otherwise.
  public let framesPerSecond: Double
  /// The names of the actions.
  public let actions: [String]
  /// The action that is taken when nobody steers.
  public let defaultAction: String
  /// Network evaluations a frame unless the client asks otherwise.
  public let defaultSteps: Int
  /// The most network evaluations a frame that a client may ask for.
  public let maximumSteps: Int
  /// Bytes of memory that one stream holds.
  public let bytesPerStream: Int
  /// The licence of the data it was trained on.
  public let dataLicence: String

  /// What is known of a model once it is loaded.
  public init(
    sha256: String, width: Int, height: Int, framesPerSecond: Double, actions: [String],
    defaultAction: String, defaultSteps: Int, maximumSteps: Int, bytesPerStream: Int, dataLicence: String
  ) {
    self.sha256 = sha256
    self.width = width
    self.height = height
    self.framesPerSecond = framesPerSecond
    self.actions = actions
    self.defaultAction = defaultAction
    self.defaultSteps = defaultSteps
    self.maximumSteps = maximumSteps
    self.bytesPerStream = bytesPerStream
    self.dataLicence = dataLicence
  }

  init(_ fields: FieldReader) throws(WireError) {
    sha256 = try fields.require("sha256", fields.string("sha256"))
    width = try fields.require("w", fields.integer("w"))
    height = try fields.require("h", fields.integer("h"))
    framesPerSecond = try fields.require("fps", fields.number("fps"))
    actions = try fields.require("actions", fields.strings("actions"))
    defaultAction = try fields.require("default_action", fields.string("default_action"))
    defaultSteps = try fields.require("default_steps", fields.integer("default_steps"))
    maximumSteps = try fields.require("max_steps", fields.integer("max_steps"))
    bytesPerStream = try fields.require("bytes_per_stream", fields.integer("bytes_per_stream"))
    dataLicence = try fields.require("data_licence", fields.string("data_licence"))
  }

  func append(to object: inout JSONObject) {
    object.append("sha256", sha256)
    object.append("w", width)
    object.append("h", height)
    object.append("fps", framesPerSecond)
    object.append("actions", actions)
    object.append("default_action", defaultAction)
    object.append("default_steps", defaultSteps)
    object.append("max_steps", maximumSteps)
    object.append("bytes_per_stream", bytesPerStream)
    object.append("data_licence", dataLicence)
  }
}
