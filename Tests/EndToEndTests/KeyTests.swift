// SPDX-License-Identifier: Apache-2.0

import FlowTestSupport
import FoundationEssentials
import Glibc
import Testing

extension EndToEnd {
  @Suite("Keys and users")
  struct Keys {
    @Test("a user with a key makes a video over tcp and has it recorded; others learn what they lack")
    func overTheNetwork() throws {
      let folder = try TemporaryFolder()
      func path(_ name: String) -> String { "\(folder.path)/\(name)" }
      for name in ["server", "ann", "eve"] {
        #expect(try Child("flowctl", ["keys", path(name)]).end().status == 0)
      }
      let key = try #require(
        String(contentsOfFile: path("ann.public"), encoding: .utf8).split(separator: "\n").last)
      try #"{"users": [{"name": "ann", "key": "\#(key)", "models": ["tiny"]}]}"#.write(
        toFile: path("users.json"), atomically: true, encoding: .utf8)
      #expect(chmod(path("users.json"), 0o600) == 0 && mkdir(path("recordings"), 0o700) == 0)
      try writeTinyBundle("tiny", in: path("models"), height: 48, width: 64)
      let flowd = try Child(
        "flowd",
        [
          "--models", path("models"), "--manifolds", path("none"), "--bind", "tcp://127.0.0.1:*",
          "--curve-key",
          path("server.secret"), "--users", path("users.json"), "--recordings", path("recordings"),
        ])
      let endpoint = try #require(flowd.readLine()).dropFirst("flowd is ready at ".count)
      func run(_ words: [String], server: String? = "server", client: String? = "ann") throws -> Child.Ending
      {
        let keys =
          (server.map { ["--server-key", path($0 + ".public")] } ?? [])
          + (client.map { ["--key-file", path($0 + ".secret")] } ?? [])
        return try Child("flowctl", words + ["--connect", String(endpoint)] + keys).end()
      }
      let video = try run([
        "generate-video", "--model", "tiny", "--frames", "4", "--seed", "7", "-o", path("a.mp4"), "--record",
        "b.mp4",
      ])
      #expect(video.status == 0 && video.text.contains("recorded  b.mp4"), "\(video.errors)")
      let recorded = FileManager.default.contents(atPath: path("recordings/b.mp4"))
      #expect(recorded != nil && recorded == FileManager.default.contents(atPath: path("a.mp4")))
      let stranger = try run(["models"], client: "eve")
      #expect(
        stranger.status == 4 && stranger.errors.contains("unauthorized: the server does not know your key"))
      let nobody = try run(["models"], server: nil, client: nil)
      #expect(
        nobody.status == 4 && nobody.errors.contains("add --server-key and --key-file"), "\(nobody.errors)")
      let elsewhere = try run(["models", "--timeout", "1"], server: "eve")
      #expect(elsewhere.status == 3 && elsewhere.errors.contains("is --server-key its key?"))
      flowd.signal(SIGTERM)
      #expect(flowd.exitStatus() == 0)
    }
  }
}
