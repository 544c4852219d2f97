// SPDX-License-Identifier: Apache-2.0

import FlowServer
import FlowTestSupport
import FlowZeroMQ
import FoundationEssentials
import Glibc
import Testing

@Suite("The users file")
struct UsersFileTests {
  static let key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
  static let otherKey = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"

  @Test("names, keys, limits and models are read")
  func good() throws {
    let table = try parse(
      #"""
      {"users": [
        {"name": "ann", "key": "\#(Self.key)", "max_sessions": 2, "models": ["doom", "earth*"]},
        {"name": "bob@host", "key": "\#(Self.otherKey)"}]}
      """#)
    let ann = try #require(table[CurvePublicKey(Self.key)])
    #expect(table.count == 2 && ann.name == "ann" && ann.maximumSessions == 2)
    #expect(ann.mayUse("doom") && ann.mayUse("earthquake") && ann.mayUse("earth"))
    #expect(!ann.mayUse("doom2") && !ann.mayUse("an-earth") && !ann.mayUse(""))
    let bob = try #require(table[CurvePublicKey(Self.otherKey)])
    #expect(bob.maximumSessions == nil && bob.mayUse("anything"))
    #expect(try table[CurveKeyPair().publicKey] == nil)
  }

  static let faults: [(String, String)] = [
    ("", "is not JSON"), ("{", "is not JSON"), ("[]", "one member"), ("{}", "one member"),
    (#"{"users": {}}"#, "one member"), (#"{"users": [], "more": 1}"#, "one member"),
    (#"{"users": [7]}"#, "users[0] must be an object"),
    (#"{"users": [{}]}"#, "users[0].name must be"), (#"{"users": [{"name": ""}]}"#, "users[0].name must be"),
    (#"{"users": [{"name": "a b"}]}"#, "users[0].name must be"),
    (#"{"users": [{"name": "a\nb"}]}"#, "users[0].name must be"),
    (#"{"users": [{"name": "\#(String(repeating: "a", count: 65))"}]}"#, "users[0].name must be"),
    (#"{"users": [{"name": "ann"}]}"#, "users[0].key must be the user's public key"),
    (#"{"users": [{"name": "ann", "key": "short"}]}"#, "users[0].key: a key has 40 characters, not 5"),
    (
      #"{"users": [{"name": "ann", "key": "\#(key)", "max_sesions": 1}]}"#,
      "users[0].max_sesions is not known"
    ),
    (#"{"users": [{"name": "ann", "key": "\#(key)", "max_sessions": -1}]}"#, "users[0].max_sessions must be"),
    (
      #"{"users": [{"name": "ann", "key": "\#(key)", "max_sessions": "2"}]}"#, "users[0].max_sessions must be"
    ),
    (
      #"{"users": [{"name": "ann", "key": "\#(key)", "max_sessions": 1.5}]}"#, "users[0].max_sessions must be"
    ),
    (
      #"{"users": [{"name": "ann", "key": "\#(key)", "max_sessions": null}]}"#,
      "users[0].max_sessions must be"
    ),
    (
      #"{"users": [{"name": "ann", "key": "\#(key)", "models": "doom"}]}"#, "users[0].models must be an array"
    ),
    (#"{"users": [{"name": "ann", "key": "\#(key)", "models": ["a", 7]}]}"#, "users[0].models[1] must be"),
    (#"{"users": [{"name": "ann", "key": "\#(key)", "models": [""]}]}"#, "users[0].models[0] must be"),
    (#"{"users": [{"name": "ann", "name": "bob", "key": "\#(key)"}]}"#, "is not JSON"),
    (
      #"{"users": [{"name": "ann", "key": "\#(key)"}, {"name": "ann", "key": "\#(otherKey)"}]}"#,
      "users[1].name \"ann\" is there twice"
    ),
    (
      #"{"users": [{"name": "ann", "key": "\#(key)"}, {"name": "bob", "key": "\#(key)"}]}"#,
      "users[1].key is that of ann too"
    ),
  ]

  @Test("what is wrong is named with its place, and nothing of the file holds", arguments: faults)
  func bad(text: String, words: String) {
    let error = #expect(throws: UsersFileError.self) { try parse(text) }
    #expect(error?.description.hasPrefix("users.json: ") == true)
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  @Test("a file that is not there, too large, a folder or a pipe is refused without waiting")
  func noFile() throws {
    let folder = try TemporaryFolder()
    #expect(mkfifo("\(folder.path)/pipe", 0o600) == 0)
    try String(repeating: " ", count: 1 << 20 + 1).write(
      toFile: "\(folder.path)/large", atomically: true, encoding: .utf8)
    for (path, words) in [
      ("\(folder.path)/none", "cannot read"), (folder.path, "is not a file"),
      ("\(folder.path)/pipe", "is not a file"),
      ("\(folder.path)/large", "is not a file of at most 1048576 bytes"),
    ] {
      let error = #expect(throws: UsersFileError.self) { try UsersFile.read(path) }
      #expect(error?.description.contains(words) == true)
    }
  }

  @Test("a file that others may change is refused", arguments: [0o620, 0o602, 0o666] as [mode_t])
  func writable(mode: mode_t) throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/users.json"
    try #"{"users": []}"#.write(toFile: path, atomically: true, encoding: .utf8)
    #expect(chmod(path, 0o644) == 0)
    #expect(try UsersFile.read(path).count == 0)
    #expect(chmod(path, mode) == 0)
    let error = #expect(throws: UsersFileError.self) { try UsersFile.read(path) }
    #expect(error?.description.contains("chmod go-w") == true)
  }

  private func parse(_ text: String) throws(UsersFileError) -> UserTable {
    try UsersFile.parse(Array(text.utf8), path: "users.json")
  }
}
