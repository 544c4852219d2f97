// SPDX-License-Identifier: Apache-2.0

/// Reads members of an object by name and type; every error names the member and what it should be.
///
/// A member that is `null` counts as absent.
struct FieldReader {
  private let object: JSONObject
  private let path: String

  init(_ object: JSONObject, path: String = "") {
    self.object = object
    self.path = path
  }

  func has(_ name: String) -> Bool { value(name) != nil }

  func value(_ name: String) -> JSONValue? {
    guard let value = object[name], value != .null else { return nil }
    return value
  }

  func string(_ name: String) throws(WireError) -> String? {
    try read(name, "a string") { if case .string(let text) = $0 { text } else { nil } }
  }

  func integer(_ name: String) throws(WireError) -> Int? {
    guard let wide: Int128 = try read(name, "an integer", { if case .integer(let i) = $0 { i } else { nil } })
    else { return nil }
    guard let value = Int(exactly: wide) else { throw mismatch(name, "is out of range: \(wide)") }
    return value
  }

  func unsigned(_ name: String) throws(WireError) -> UInt64? {
    try read(name, "an integer from 0 to 18446744073709551615") {
      if case .integer(let wide) = $0 { UInt64(exactly: wide) } else { nil }
    }
  }

  func number(_ name: String) throws(WireError) -> Double? {
    try read(name, "a number") {
      switch $0 {
      case .integer(let wide): Double(wide)
      case .number(let number): number
      default: nil
      }
    }
  }

  func boolean(_ name: String) throws(WireError) -> Bool? {
    try read(name, "true or false") { if case .boolean(let truth) = $0 { truth } else { nil } }
  }

  func array(_ name: String) throws(WireError) -> [JSONValue]? {
    try read(name, "an array") { if case .array(let elements) = $0 { elements } else { nil } }
  }

  func strings(_ name: String) throws(WireError) -> [String]? {
    try list(name, "an array of strings") { if case .string(let text) = $0 { text } else { nil } }
  }

  func integers(_ name: String) throws(WireError) -> [Int]? {
    try list(name, "an array of integers") { if case .integer(let i) = $0 { Int(exactly: i) } else { nil } }
  }

  func numbers(_ name: String) throws(WireError) -> [Double]? {
    try list(name, "an array of numbers") {
      switch $0 {
      case .integer(let wide): Double(wide)
      case .number(let number): number
      default: nil
      }
    }
  }

  func objects(_ name: String) throws(WireError) -> [FieldReader]? {
    let path = self.path + name + "."
    return try list(name, "an array of objects") {
      if case .object(let object) = $0 { FieldReader(object, path: path) } else { nil }
    }
  }

  func reader(_ name: String) throws(WireError) -> FieldReader? {
    let path = self.path + name + "."
    return try read(name, "an object") {
      if case .object(let object) = $0 { FieldReader(object, path: path) } else { nil }
    }
  }

  /// The value, which must be there: `try fields.require("sid", fields.string("sid"))`.
  func require<Value>(_ name: String, _ value: Value?) throws(WireError) -> Value {
    guard let value else { throw mismatch(name, "is missing") }
    return value
  }

  func mismatch(_ name: String, _ message: String) -> WireError {
    .badRequest(path + name, "\(path)\(name) \(message)")
  }

  private func list<Element>(
    _ name: String, _ wanted: String, _ convert: (JSONValue) -> Element?
  ) throws(WireError) -> [Element]? {
    guard let elements = try array(name) else { return nil }
    let converted = elements.compactMap(convert)
    guard converted.count == elements.count else { throw mismatch(name, "must be \(wanted)") }
    return converted
  }

  private func read<Value>(
    _ name: String, _ wanted: String, _ convert: (JSONValue) -> Value?
  ) throws(WireError) -> Value? {
    guard let value = value(name) else { return nil }
    guard let converted = convert(value) else {
      throw mismatch(name, "must be \(wanted), not \(describe(value))")
    }
    return converted
  }

  private func describe(_ value: JSONValue) -> String {
    if case .integer(let wide) = value { "\(wide)" } else { value.kind }
  }
}

/// Throws unless `value` lies in `allowed`; the error names `field`.
func checkRange<Value: Comparable & Sendable>(
  _ field: String, _ value: Value, _ allowed: ClosedRange<Value>
) throws(WireError) {
  guard !allowed.contains(value) else { return }
  throw .badRequest(
    field, "\(field) is \(value); give a value from \(allowed.lowerBound) to \(allowed.upperBound)")
}

/// Throws unless `name` has 1…128 bytes; the error names `field`.
func checkName(_ field: String, _ name: String) throws(WireError) {
  guard (1...WireLimits.nameBytes).contains(name.utf8.count) else {
    throw .badRequest(
      field, "\(field) has \(name.utf8.count) bytes; give a name of 1 to \(WireLimits.nameBytes) bytes")
  }
}
