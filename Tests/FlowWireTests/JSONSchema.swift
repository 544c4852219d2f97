// SPDX-License-Identifier: Apache-2.0

import FlowWire

/// A JSON Schema, draft 2020-12, of those keywords alone that docs/protocol.schema.json uses.
struct JSONSchema: Sendable {
  /// A keyword that is not known here, or a value that is none for it.
  struct Unknown: Error, CustomStringConvertible {
    let description: String
  }

  /// What others refer to, by name.
  let definitions: JSONObject
  private let root: JSONValue

  /// Reads a schema; a keyword that is not known is an error wherever it stands: nothing goes unchecked.
  init(_ text: [UInt8]) throws {
    let value = try JSONValue(parsing: text)
    guard case .object(let object) = value, case .object(let definitions)? = object["$defs"] else {
      throw Unknown(description: "$defs")
    }
    root = value
    self.definitions = definitions
    try check(value, at: "#")
  }

  /// What is wrong with a value, each with its place; nothing if it is as a definition, or the root, says.
  func faults(in value: JSONValue, as definition: String? = nil) -> [String] {
    guard let definition else { return faults(value, root, at: "") }
    return faults(value, definitions[definition] ?? .boolean(false), at: "")
  }

  private func check(_ schema: JSONValue, at path: String) throws {
    if case .boolean = schema { return }
    guard case .object(let object) = schema else { throw Unknown(description: path) }
    for member in object.members {
      let place = "\(path)/\(member.name)"
      switch (member.name, member.value) {
      case ("$schema", .string), ("$id", .string), ("title", .string), ("description", .string),
        ("$comment", .string), ("const", _), ("enum", .array), ("minLength", .integer),
        ("maxLength", .integer), ("minItems", .integer), ("maxItems", .integer):
        break
      case ("minimum", let bound), ("maximum", let bound), ("exclusiveMinimum", let bound):
        guard isOf("number", bound) else { throw Unknown(description: place) }
      case ("type", .string(let type)):
        guard ["object", "array", "string", "boolean", "integer", "number"].contains(type) else {
          throw Unknown(description: place)
        }
      case ("required", .array(let names)):
        guard names.allSatisfy({ isOf("string", $0) }) else { throw Unknown(description: place) }
      case ("$ref", .string(let target)):
        guard definition(target) != nil else { throw Unknown(description: "\(place) to \(target)") }
      case ("$defs", .object(let schemas)), ("properties", .object(let schemas)):
        for schema in schemas.members { try check(schema.value, at: "\(place)/\(schema.name)") }
      case ("prefixItems", .array(let schemas)), ("allOf", .array(let schemas)),
        ("anyOf", .array(let schemas)), ("oneOf", .array(let schemas)):
        for schema in schemas { try check(schema, at: place) }
      case ("items", let schema), ("not", let schema): try check(schema, at: place)
      default: throw Unknown(description: place)
      }
    }
  }

  private func definition(_ reference: String) -> JSONValue? {
    let prefix = "#/$defs/"
    guard reference.hasPrefix(prefix) else { return nil }
    return definitions[String(reference.dropFirst(prefix.count))]
  }

  private func faults(_ value: JSONValue, _ schema: JSONValue, at path: String) -> [String] {
    guard case .object(let object) = schema else {
      return schema == .boolean(true) ? [] : ["\(path) is not allowed"]
    }
    let value = whole(value)
    return object.members.flatMap { keyword -> [String] in
      if isBroken(keyword.name, keyword.value, by: value) {
        return ["\(path) breaks \(keyword.name)"]
      }
      return faultsWithin(value, keyword, of: object, at: path)
    }
  }

  /// Whether a value breaks a keyword that has no schemas in it.
  private func isBroken(_ keyword: String, _ wanted: JSONValue, by value: JSONValue) -> Bool {
    switch (keyword, wanted, value) {
    case ("type", .string(let type), _): !isOf(type, value)
    case ("const", _, _): value != wanted
    case ("enum", .array(let choices), _): !choices.contains(value)
    case ("minimum", _, _): isLess(value, wanted)
    case ("maximum", _, _): isLess(wanted, value)
    case ("exclusiveMinimum", _, _): isLess(value, wanted) || value == wanted
    case ("minLength", _, .string(let text)): isLess(size(text.unicodeScalars), wanted)
    case ("maxLength", _, .string(let text)): isLess(wanted, size(text.unicodeScalars))
    case ("minItems", _, .array(let elements)): isLess(size(elements), wanted)
    case ("maxItems", _, .array(let elements)): isLess(wanted, size(elements))
    default: false
    }
  }

  /// What is wrong according to the schemas in a keyword, or to the names in `required`.
  private func faultsWithin(
    _ value: JSONValue, _ keyword: JSONObject.Member, of schema: JSONObject, at path: String
  ) -> [String] {
    switch (keyword.name, keyword.value, value) {
    case ("$ref", .string(let target), _):
      return faults(value, definition(target) ?? .boolean(false), at: path)
    case ("required", .array(let names), .object(let object)):
      return names.compactMap { element -> String? in
        guard case .string(let name) = element, object[name] == nil else { return nil }
        return "\(path).\(name) is missing"
      }
    case ("properties", .object(let properties), .object(let object)):
      return properties.members.flatMap { property -> [String] in
        guard let member = object[property.name] else { return [] }
        return faults(member, property.value, at: "\(path).\(property.name)")
      }
    case ("prefixItems", .array(let schemas), .array(let elements)):
      return elements.indices.prefix(schemas.count).flatMap {
        faults(elements[$0], schemas[$0], at: "\(path)[\($0)]")
      }
    case ("items", let items, .array(let elements)):
      // The first elements are those of `prefixItems`, where there are any.
      let first = if case .array(let schemas)? = schema["prefixItems"] { schemas.count } else { 0 }
      return elements.indices.dropFirst(first).flatMap {
        faults(elements[$0], items, at: "\(path)[\($0)]")
      }
    case ("not", let unwanted, _):
      return faults(value, unwanted, at: path).isEmpty ? ["\(path) is what it must not be"] : []
    case ("allOf", .array(let schemas), _):
      return schemas.flatMap { faults(value, $0, at: path) }
    case ("anyOf", .array(let schemas), _), ("oneOf", .array(let schemas), _):
      let fitting = schemas.filter { faults(value, $0, at: path).isEmpty }.count
      let isGood = keyword.name == "anyOf" ? fitting > 0 : fitting == 1
      return isGood ? [] : ["\(path) fits \(fitting) of \(keyword.name)"]
    default: return []
    }
  }
}

private func isOf(_ type: String, _ value: JSONValue) -> Bool {
  switch (type, value) {
  case ("object", .object), ("array", .array), ("string", .string), ("boolean", .boolean),
    ("integer", .integer), ("number", .integer), ("number", .number):
    true
  default: false
  }
}

/// A number as an integer if it is one: to a schema 1.0 is 1.
private func whole(_ value: JSONValue) -> JSONValue {
  guard case .number(let number) = value, let integer = Int128(exactly: number) else { return value }
  return .integer(integer)
}

private func size(_ elements: some Collection) -> JSONValue { .integer(Int128(elements.count)) }

/// Whether both are numbers and the first is less; integers are compared exactly, so that a seed is.
private func isLess(_ left: JSONValue, _ right: JSONValue) -> Bool {
  switch (left, right) {
  case (.integer(let left), .integer(let right)): left < right
  case (.integer(let left), .number(let right)): Double(left) < right
  case (.number(let left), .integer(let right)): left < Double(right)
  case (.number(let left), .number(let right)): left < right
  default: false
  }
}
