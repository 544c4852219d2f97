// SPDX-License-Identifier: Apache-2.0

import FlowTestSupport
import FlowZeroMQ
import FoundationEssentials
import Glibc
import Testing

@Suite("Keys and their files")
struct KeyTests {
  @Test("a pair belongs together, no two are the same, and text and bytes say the same")
  func pairs() throws {
    let pairs = try (0..<16).map { _ in try CurveKeyPair() }
    #expect(Set(pairs.map(\.publicKey)).count == pairs.count)
    for pair in pairs {
      #expect(try pair.secretKey.publicKey() == pair.publicKey)
      #expect(try CurvePublicKey(pair.publicKey.text) == pair.publicKey)
      #expect(CurvePublicKey(bytes: pair.publicKey.bytes) == pair.publicKey)
    }
  }

  @Test("the example of RFC 26 has the public key that it says")
  func example() throws {
    let secret = try CurveSecretKey("JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6")
    #expect(try secret.publicKey().text == "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7")
  }

  @Test(
    "what is no key is refused",
    arguments: [
      "", "short", String(repeating: "0", count: 39), String(repeating: "0", count: 41),
      String(repeating: "0", count: 39) + "~", String(repeating: "0", count: 39) + "\"",
      String(repeating: "#", count: 40), String(repeating: "0", count: 38) + "é",
    ])
  func badText(text: String) {
    #expect(throws: CurveKeyError.self) { try CurvePublicKey(text) }
    let error = #expect(throws: CurveKeyError.self) { try CurveSecretKey(text) }
    #expect(text.isEmpty || error?.description.contains(text) == false)
    #expect(CurvePublicKey(bytes: Array(text.utf8)) == nil)
  }

  @Test("a pair is written so that only its owner reads the secret half, and is read again")
  func files() throws {
    let folder = try TemporaryFolder()
    let pair = try CurveKeyPair()
    try CurveKeyFile.write(pair, name: "\(folder.path)/ann")
    #expect(mode("\(folder.path)/ann.secret") == 0o600)
    #expect(mode("\(folder.path)/ann.public") == 0o644)
    #expect(
      try CurveKeyFile.secretKey(path: "\(folder.path)/ann.secret").publicKey() == pair.publicKey)
    #expect(try CurveKeyFile.publicKey(path: "\(folder.path)/ann.public") == pair.publicKey)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(files == ["ann.public", "ann.secret"])
  }

  @Test(
    "neither half replaces a file, and nothing is left of a pair that cannot be written",
    arguments: [".secret", ".public"])
  func neverReplaces(suffix: String) throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/ann\(suffix)"
    try "mine".write(toFile: path, atomically: true, encoding: .utf8)
    let error = #expect(throws: CurveKeyError.self) {
      try CurveKeyFile.write(CurveKeyPair(), name: "\(folder.path)/ann")
    }
    #expect(error?.description.contains("\(path) is there already") == true)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["ann\(suffix)"])
  }

  @Test(
    "a secret key that others may use is refused, with what to do",
    arguments: [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666, 0o777] as [mode_t])
  func openSecret(mode: mode_t) throws {
    let folder = try TemporaryFolder()
    try CurveKeyFile.write(CurveKeyPair(), name: "\(folder.path)/ann")
    let path = "\(folder.path)/ann.secret"
    #expect(chmod(path, mode) == 0)
    let error = #expect(throws: CurveKeyError.self) { try CurveKeyFile.secretKey(path: path) }
    #expect(error?.description.contains("chmod 600 \(path)") == true)
  }

  @Test(
    "a file that holds no key is refused and named, and its content is not told",
    arguments: ["", "\n", "; nothing but a remark\n", "precious\n", "one\ntwo\n"])
  func badFile(content: String) throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/key"
    try content.write(toFile: path, atomically: true, encoding: .utf8)
    #expect(chmod(path, 0o600) == 0)
    let error = try #require(throws: CurveKeyError.self) { try CurveKeyFile.secretKey(path: path) }
    #expect(error.description.contains(path) && !error.description.contains("precious"))
  }

  @Test("what is not there, a folder and a pipe are refused without waiting")
  func noFile() throws {
    let folder = try TemporaryFolder()
    #expect(mkfifo("\(folder.path)/pipe", 0o600) == 0)
    for (path, words) in [
      ("\(folder.path)/none", "No such file"), (folder.path, "is not a file"),
      ("\(folder.path)/pipe", "is not a file"),
    ] {
      let error = #expect(throws: CurveKeyError.self) { try CurveKeyFile.secretKey(path: path) }
      #expect(error?.description.contains(words) == true)
    }
  }

  @Test("a secret key does not print itself")
  func silent() throws {
    let folder = try TemporaryFolder()
    let pair = try CurveKeyPair()
    try CurveKeyFile.write(pair, name: "\(folder.path)/ann")
    let content = try String(contentsOfFile: "\(folder.path)/ann.secret", encoding: .utf8)
    let secret = try #require(content.split(separator: "\n").last)
    var dumped = ""
    dump(pair, to: &dumped)
    #expect(!"\(pair) \(pair.secretKey) \(dumped)".contains(secret))
    #expect(dumped.contains(pair.publicKey.text))
  }

  private func mode(_ path: String) -> mode_t {
    var facts = stat()
    return stat(path, &facts) == 0 ? facts.st_mode & 0o777 : 0
  }
}
