// SPDX-License-Identifier: Apache-2.0

/// One action taken for a number of frames.
public struct ActionRun: Sendable, Equatable {
  /// The name of the action.
  public let name: String
  /// For how many frames it is taken.
  public let count: Int

  /// An action for `count` frames, at least one.
  public init(_ name: String, _ count: Int) throws(WireError) {
    try checkName("actions", name)
    try checkRange("actions", count, 1...WireLimits.frames)
    self.name = name
    self.count = count
  }

  var json: JSONValue { .array([.string(name), .integer(Int128(count))]) }
}

/// What a client wants done from some frame on.
public enum ActionPlan: Sendable, Equatable {
  /// One action until something else is said: `"action": "left"`.
  case hold(String)
  /// A list, after which the model's default action is taken: `"actions": [["forward", 20], ["left", 8]]`.
  case runs([ActionRun])

  /// The names of all actions in the plan, in order.
  public var names: [String] {
    switch self {
    case .hold(let name): [name]
    case .runs(let runs): runs.map(\.name)
    }
  }

  /// The field of a request in which the plan stands.
  public var field: String {
    switch self {
    case .hold: "action"
    case .runs: "actions"
    }
  }

  init?(_ fields: FieldReader) throws(WireError) {
    let action = try fields.string("action")
    let list = try fields.array("actions")
    guard action == nil || list == nil else {
      throw fields.mismatch("actions", "and action exclude each other; send one of them")
    }
    if let action {
      try checkName("action", action)
      self = .hold(action)
    } else if let list {
      self = .runs(try readRuns("actions", list))
    } else {
      return nil
    }
  }

  func append(to object: inout JSONObject) {
    switch self {
    case .hold(let name): object.append("action", name)
    case .runs(let runs):
      object.append("actions", .array(runs.map(\.json)))
    }
  }
}

/// Reads a list of pairs of an action and its number of frames.
func readRuns(_ field: String, _ list: [JSONValue]) throws(WireError) -> [ActionRun] {
  var runs: [ActionRun] = []
  for element in list {
    guard case .array(let pair) = element, pair.count == 2, case .string(let name) = pair[0],
      case .integer(let wide) = pair[1], let count = Int(exactly: wide)
    else {
      throw .badRequest(field, "\(field) must be a list of pairs [\"name\", count]")
    }
    runs.append(try ActionRun(name, count))
  }
  return runs
}
