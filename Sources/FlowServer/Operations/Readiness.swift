// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

/// Whether the daemon can serve, and if not, why.
enum Readiness: Sendable, Equatable {
  /// Every model that was to be loaded can be used.
  case ready
  /// It has not been ready yet: this model is being loaded, after so many of all.
  case loading(model: String, done: Int, total: Int)
  /// It is about to stop.
  case draining
  /// Something is wrong, with a model if it is named.
  case degraded(String, model: String?)

  /// One line for people.
  var line: String {
    switch self {
    case .ready: "ready"
    case .loading(let model, let done, let total): "loading \(model), \(done) of \(total) models done"
    case .draining: "draining"
    case .degraded(let reason, let model): "degraded: \(model.map { "\($0): " } ?? "")\(reason)"
    }
  }

  /// What a probe is told.
  var json: JSONValue {
    var object = JSONObject()
    switch self {
    case .ready: object.append("code", .string("ready"))
    case .loading(let model, let done, let total):
      object.append("code", .string("model_loading"))
      object.append("model", .string(model))
      object.append("progress", .number(Double(done) / Double(total)))
    case .draining: object.append("code", .string("draining"))
    case .degraded(let reason, let model):
      object.append("code", .string("degraded"))
      object.append("model", model.map(JSONValue.string))
      object.append("message", .string(reason))
    }
    return .object(object)
  }
}
