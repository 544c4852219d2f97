// SPDX-License-Identifier: Apache-2.0

import FlowDigest
import Testing

@Suite("SHA-256")
struct SHA256Tests {
  /// The examples of FIPS 180-4.
  @Test(
    "agrees with the published examples",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func publishedExamples(text: String, digest: String) {
    var hash = SHA256()
    for byte in text.utf8 {
      // A digest on the way changes nothing.
      _ = hash.hexadecimal()
      hash.update([byte])
    }
    #expect(hash.hexadecimal() == digest)
  }

  @Test("a copy continues on its own")
  func copies() {
    var first = SHA256()
    first.update(Array("a".utf8))
    var second = first
    second.update(Array("bc".utf8))
    first.update(Array("bc".utf8))
    #expect(first.hexadecimal() == second.hexadecimal())
  }
}
