// SPDX-License-Identifier: Apache-2.0

/// What is known of a video model once it is loaded.
public struct VideoDetails: Sendable, Equatable {
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

  /// What is known of a video model.
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
