// SPDX-License-Identifier: Apache-2.0

extension JSONParser {
  mutating func string() throws(JSONError) -> String {
    position += 1
    var bytes: [UInt8] = []
    while let byte = peek() {
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: bytes, as: UTF8.self)
      case UInt8(ascii: "\\"): bytes.append(contentsOf: Array(String(try escape()).utf8))
      case 0..<0x20: throw failure("a control character must be escaped")
      default: bytes.append(byte)
      }
    }
    throw failure("the string has no end")
  }

  private mutating func escape() throws(JSONError) -> Unicode.Scalar {
    guard let byte = peek() else { throw failure("the string has no end") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw failure("unknown escape")
    }
  }

  private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
    let unit = try fourDigits()
    if let scalar = Unicode.Scalar(unit) { return scalar }
    guard (0xD800..<0xDC00).contains(unit), take("\\"), take("u") else {
      throw failure("half a surrogate pair")
    }
    let low = try fourDigits()
    guard (0xDC00..<0xE000).contains(low),
      let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
    else { throw failure("half a surrogate pair") }
    return scalar
  }

  private mutating func fourDigits() throws(JSONError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw failure("expected four hexadecimal digits")
      }
      unit = unit << 4 | UInt32(digit)
      position += 1
    }
    return unit
  }

  mutating func number() throws(JSONError) -> JSONValue {
    let start = position
    _ = take("-")
    let first = position
    try digits()
    if position - first > 1, text[first] == UInt8(ascii: "0") {
      throw JSONError(message: "a number must not begin with 0", offset: first)
    }
    var isInteger = true
    if take(".") {
      isInteger = false
      try digits()
    }
    if take("e") || take("E") {
      isInteger = false
      _ = take("+") || take("-")
      try digits()
    }
    let literal = String(decoding: text[start..<position], as: UTF8.self)
    return isInteger ? try integer(literal, start) : try fraction(literal, start)
  }

  private mutating func digits() throws(JSONError) {
    let start = position
    while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    guard position > start else { throw failure("expected a digit") }
  }

  private func integer(_ literal: String, _ start: Int) throws(JSONError) -> JSONValue {
    guard let value = Int128(literal) else {
      throw JSONError(message: "an integer needs more than 128 bits", offset: start)
    }
    return .integer(value)
  }

  private func fraction(_ literal: String, _ start: Int) throws(JSONError) -> JSONValue {
    guard let value = Double(literal), value.isFinite else {
      throw JSONError(message: "a number is too large", offset: start)
    }
    return .number(value)
  }
}
