// SPDX-License-Identifier: Apache-2.0

import FlowDigest
import Testing

@Suite("Session tokens")
struct SessionTokenTests {
  @Test("a token has 128 bits, and of a thousand no two are the same")
  func unique() {
    let texts = (0..<1000).map { _ in SessionToken().hexadecimal }
    #expect(Set(texts).count == texts.count)
    for text in texts {
      #expect(text.utf8.count == 32 && text.allSatisfy { "0123456789abcdef".contains($0) })
    }
  }

  @Test("every bit of a token is random")
  func bits() throws {
    // Of 1000 fair bits between 400 and 600 are set; a fault of chance in 128 positions is below 1e-7.
    var counts = [Int](repeating: 0, count: 128)
    for _ in 0..<1000 {
      let digits = try SessionToken().hexadecimal.map { try #require($0.hexDigitValue) }
      for bit in counts.indices where digits[bit / 4] >> (bit % 4) & 1 == 1 { counts[bit] += 1 }
    }
    #expect(counts.allSatisfy { (400...600).contains($0) })
  }

  @Test("a token equals what was read of its text and nothing that differs in a digit")
  func comparison() throws {
    let token = SessionToken()
    let text = token.hexadecimal
    #expect(SessionToken(hexadecimal: text) == token)
    for index in text.indices {
      let other: Character = text[index] == "0" ? "1" : "0"
      let changed = try #require(
        SessionToken(hexadecimal: text.replacingCharacters(at: index, with: other)))
      #expect(changed != token)
    }
  }

  @Test(
    "what is no token is not read",
    arguments: [
      "", "0", String(repeating: "0", count: 31), String(repeating: "0", count: 33),
      String(repeating: "A", count: 32), String(repeating: "g", count: 32), String(repeating: "é", count: 16),
      " " + String(repeating: "0", count: 31),
    ])
  func badText(text: String) {
    #expect(SessionToken(hexadecimal: text) == nil)
  }

  @Test("a token prints as its digest and never as itself")
  func silent() throws {
    let token = try #require(SessionToken(hexadecimal: String(repeating: "0", count: 32)))
    // printf '\\0%.0s' {1..16} | sha256sum
    #expect("\(token)" == "374708ff")
    let random = SessionToken()
    var dumped = ""
    dump(random, to: &dumped)
    #expect(!"\(random) \(dumped) \(String(reflecting: random))".contains(random.hexadecimal))
    #expect(!dumped.contains("bytes"))
  }
}

extension String {
  fileprivate func replacingCharacters(at index: Index, with other: Character) -> String {
    self[..<index] + String(other) + self[self.index(after: index)...]
  }
}
