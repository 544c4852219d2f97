// SPDX-License-Identifier: Apache-2.0

import FlowWire
import Testing

@Suite("JSON")
struct JSONTests {
  @Test(
    "a text that is written as we write it comes back unchanged",
    arguments: [
      "null", "true", "false", "0", "-1", "18446744073709551615", "-9223372036854775808", "0.1", "1e+20",
      "5e-324",
      "\"\"", "\"a\\\"b\\\\c\"", "\"\\u0007\"", "\"größer 😀\"", "[]", "[1,[2,[3]]]", "{}",
      "{\"b\":1,\"a\":{\"c\":null}}",
    ])
  func roundTrips(text: String) throws {
    let value = try JSONValue(parsing: Array(text.utf8))
    #expect(String(decoding: value.serialised(), as: UTF8.self) == text)
  }

  @Test(
    "other spellings of a value are understood",
    arguments: [
      (" { \"a\" :\t[ 1 , 2 ]\r\n}", "{\"a\":[1,2]}"), ("\"\\u00e4\\/\\n\"", "\"ä/\\u000a\""),
      ("\"\\ud83d\\ude00\"", "\"😀\""), ("-0", "0"), ("1E2", "100.0"),
    ])
  func spellings(text: String, canonical: String) throws {
    let value = try JSONValue(parsing: Array(text.utf8))
    #expect(String(decoding: value.serialised(), as: UTF8.self) == canonical)
  }

  @Test(
    "what is not JSON is refused at the byte where it goes wrong",
    arguments: [
      ("", 0), ("  ", 2), ("nul", 0), ("NaN", 0), ("Infinity", 0), ("-", 1), ("01", 0), ("1.", 2), ("1e", 2),
      (".5", 0), ("+1", 0), ("1e999", 0), ("[1,]", 3), ("[1 2]", 3), ("{\"a\"}", 4), ("{a:1}", 1),
      ("{\"a\":1,}", 7), ("{\"a\":1,\"a\":2}", 7), ("\"a", 2), ("\"\u{1}\"", 2), ("\"\\x\"", 3),
      ("\"\\ud800\"", 7), ("\"\\udc00\"", 7), ("\"\\ud800\\u0041\"", 13), ("1 2", 2), ("'a'", 0),
      ("// c\n1", 0),
    ])
  func refusals(text: String, offset: Int) {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8)) }
    #expect(error?.offset == offset, "\(text): \(String(describing: error))")
  }

  @Test("an integer of more than 128 bits is refused, not rounded")
  func hugeIntegers() {
    #expect(throws: JSONError.self) {
      try JSONValue(parsing: Array(String(repeating: "9", count: 60_000).utf8))
    }
    #expect(throws: JSONError.self) {
      try JSONValue(parsing: Array("170141183460469231731687303715884105728".utf8))
    }
  }

  @Test(
    "bytes that are not UTF-8 are refused",
    arguments: [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22]] as [[UInt8]])
  func invalidUTF8(bytes: [UInt8]) {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
    #expect(error?.message == "the text is not UTF-8")
  }

  @Test(
    "nesting is allowed to the limit and refused beyond, however deep", arguments: [32, 33, 1000, 30_000])
  func nesting(depth: Int) throws {
    let text = Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    if depth <= WireLimits.headerDepth {
      _ = try JSONValue(parsing: text)
    } else {
      let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
      #expect(error?.message == "nesting deeper than 32")
    }
  }

  @Test(
    "random bytes are parsed or refused, and what is parsed is written and parsed again", arguments: 0..<8)
  func randomBytes(seed: UInt64) throws {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
    func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
    let alphabet = Array("{}[]\",:0123456789.eE+-truefalsn\\u \u{7F}é".utf8)
    for _ in 0..<2000 {
      let text = (0..<Int(next() % 24)).map { _ in alphabet[Int(next() % UInt64(alphabet.count))] }
      guard let value = try? JSONValue(parsing: text) else { continue }
      #expect(try JSONValue(parsing: value.serialised()) == value, "seed \(seed), \(text)")
    }
  }
}
