// SPDX-License-Identifier: Apache-2.0

import FlowClient
import FlowTestSupport
import FlowZeroMQ
import FoundationEssentials
import Glibc
import Testing

@Suite("Who a client is")
struct IdentityTests {
  let folder: TemporaryFolder
  let server: CurveKeyPair
  var secret: String { "\(folder.path)/ann.secret" }
  var serverFile: String { "\(folder.path)/server.public" }

  init() throws {
    folder = try TemporaryFolder()
    server = try CurveKeyPair()
    try CurveKeyFile.write(server, name: "\(folder.path)/server")
    _ = try KeyPairFiles.make(name: "\(folder.path)/ann")
  }

  @Test("the server's key is taken as itself or from a file, options before the environment")
  func resolved() throws {
    let environment = ["FLOWD_SERVER_KEY": serverFile, "FLOWD_KEY_FILE": secret]
    #expect(try ClientIdentity.resolve(serverKey: nil, keyFile: nil, environment: environment) != nil)
    #expect(
      try ClientIdentity.resolve(serverKey: server.publicKey.text, keyFile: secret, environment: [:]) != nil)
    #expect(
      try ClientIdentity.resolve(
        serverKey: serverFile, keyFile: secret, environment: ["FLOWD_KEY_FILE": "/none"])
        != nil)
    #expect(
      try ClientIdentity.resolve(serverKey: nil, keyFile: nil, environment: ["FLOWD_KEY_FILE": ""]) == nil)
  }

  @Test("half of what is needed, and files that cannot be used, are wrong usage, with what to do")
  func refused() {
    #expect(chmod("\(folder.path)/server.secret", 0o644) == 0)
    for (key, file, words) in [
      (serverFile, nil, "add --key-file"), (nil, secret, "add --server-key"),
      ("/none", secret, "cannot read /none"),
      (serverFile, "/none", "cannot read /none"), (serverFile, "\(folder.path)/server.secret", "chmod 600"),
    ] as [(String?, String?, String)] {
      let error = #expect(throws: ClientError.self) {
        try ClientIdentity.resolve(serverKey: key, keyFile: file, environment: [:])
      }
      #expect(error?.kind == .usage && error?.message.contains(words) == true)
    }
  }

  @Test("flowctl makes a pair, says its public half, and replaces nothing")
  func command() throws {
    let name = "\(folder.path)/bob"
    let made = try Child("flowctl", ["keys", name]).end()
    #expect(made.status == 0)
    #expect(try CurveKeyFile.publicKey(path: name + ".public").text + "\n" == made.text)
    let before = try String(contentsOfFile: name + ".secret", encoding: .utf8)
    let again = try Child("flowctl", ["keys", name]).end()
    #expect(again.status == 73 && again.errors.contains("\(name).secret is there already"))
    #expect(try String(contentsOfFile: name + ".secret", encoding: .utf8) == before)
  }
}
