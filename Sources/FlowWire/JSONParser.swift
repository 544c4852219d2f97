// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
  /// Reads one JSON text (RFC 8259) strictly.
  ///
  /// Refused beyond the grammar: invalid UTF-8, half a surrogate pair, a name twice in an object, nesting
  /// deeper than `depth`, numbers too large for a `Double`, integers outside 128 bits. The call uses stack in
  /// proportion to `depth` and heap in proportion to the text.
  public init(parsing text: [UInt8], depth: Int = WireLimits.headerDepth) throws(JSONError) {
    guard String(validating: text, as: UTF8.self) != nil else {
      throw JSONError(message: "the text is not UTF-8", offset: 0)
    }
    var parser = JSONParser(text: text, depthLimit: depth)
    self = try parser.document()
  }
}

/// A recursive-descent parser over bytes that are known to be UTF-8.
struct JSONParser {
  let text: [UInt8]
  let depthLimit: Int
  var position = 0
  private var depth = 0

  init(text: [UInt8], depthLimit: Int) {
    self.text = text
    self.depthLimit = depthLimit
  }

  mutating func document() throws(JSONError) -> JSONValue {
    let value = try self.value()
    skipSpace()
    guard position == text.count else { throw failure("unexpected bytes after the value") }
    return value
  }

  mutating func value() throws(JSONError) -> JSONValue {
    skipSpace()
    guard let byte = peek() else { throw failure("expected a JSON value") }
    switch byte {
    case UInt8(ascii: "{"): return .object(try nested { parser throws(JSONError) in try parser.object() })
    case UInt8(ascii: "["): return .array(try nested { parser throws(JSONError) in try parser.array() })
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .boolean(true))
    case UInt8(ascii: "f"): return try word("false", .boolean(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw failure("expected a JSON value")
    }
  }

  private mutating func nested<Result>(
    _ body: (inout JSONParser) throws(JSONError) -> Result
  ) throws(JSONError) -> Result {
    guard depth < depthLimit else { throw failure("nesting deeper than \(depthLimit)") }
    depth += 1
    defer { depth -= 1 }
    position += 1
    return try body(&self)
  }

  private mutating func object() throws(JSONError) -> JSONObject {
    var object = JSONObject()
    var names: Set<String> = []
    skipSpace()
    if take("}") { return object }
    repeat {
      skipSpace()
      guard peek() == UInt8(ascii: "\"") else { throw failure("expected a member's name") }
      let start = position
      let name = try string()
      guard names.insert(name).inserted else {
        throw JSONError(message: "the name \"\(name)\" stands twice in an object", offset: start)
      }
      skipSpace()
      guard take(":") else { throw failure("expected ':'") }
      object.append(name, try value())
      skipSpace()
    } while take(",")
    guard take("}") else { throw failure("expected ',' or '}'") }
    return object
  }

  private mutating func array() throws(JSONError) -> [JSONValue] {
    var elements: [JSONValue] = []
    skipSpace()
    if take("]") { return elements }
    repeat {
      elements.append(try value())
      skipSpace()
    } while take(",")
    guard take("]") else { throw failure("expected ',' or ']'") }
    return elements
  }

  private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
    let end = position + word.utf8CodeUnitCount
    guard end <= text.count, text[position..<end].elementsEqual("\(word)".utf8) else {
      throw failure("expected \(word)")
    }
    position = end
    return value
  }

  private mutating func skipSpace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  func peek() -> UInt8? { position < text.count ? text[position] : nil }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  func failure(_ message: String) -> JSONError { JSONError(message: message, offset: position) }
}
