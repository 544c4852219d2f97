// SPDX-License-Identifier: Apache-2.0

/// A JSON value; integers are kept exactly, so that a 64-bit seed survives the journey.
public enum JSONValue: Sendable, Equatable {
  /// `null`.
  case null
  /// `true` or `false`.
  case boolean(Bool)
  /// A number written without fraction and exponent.
  case integer(Int128)
  /// Any other number; always finite.
  case number(Double)
  /// A string.
  case string(String)
  /// A list.
  case array([JSONValue])
  /// An object.
  case object(JSONObject)

  /// What the value is called in an error message.
  var kind: String {
    switch self {
    case .null: "null"
    case .boolean: "a boolean"
    case .integer: "an integer"
    case .number: "a number with a fraction or an exponent"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

/// A JSON object, its members in the order in which they were written, each name once.
public struct JSONObject: Sendable, Equatable {
  /// A name and its value.
  public struct Member: Sendable, Equatable {
    /// The name.
    public let name: String
    /// The value.
    public let value: JSONValue
  }

  /// The members in order.
  public private(set) var members: [Member] = []

  /// An object without members.
  public init() {}

  /// The value of a member, or nil; takes time linear in the number of members.
  public subscript(name: String) -> JSONValue? {
    members.first { $0.name == name }?.value
  }

  /// Appends a member that must not be there yet; does nothing for nil.
  public mutating func append(_ name: String, _ value: JSONValue?) {
    guard let value else { return }
    members.append(Member(name: name, value: value))
  }
}

extension JSONObject {
  mutating func append(_ name: String, _ text: String?) { append(name, text.map(JSONValue.string)) }
  mutating func append(_ name: String, _ number: Int?) {
    append(name, number.map { JSONValue.integer(Int128($0)) })
  }
  mutating func append(_ name: String, _ number: Double?) { append(name, number.map(JSONValue.number)) }
  mutating func append(_ name: String, _ truth: Bool?) { append(name, truth.map(JSONValue.boolean)) }
  mutating func append(_ name: String, _ texts: [String]) {
    append(name, .array(texts.map(JSONValue.string)))
  }
  mutating func append(_ name: String, _ numbers: [Int]) {
    append(name, .array(numbers.map { .integer(Int128($0)) }))
  }
}
