// SPDX-License-Identifier: Apache-2.0

import FlowTestSupport
import FlowWire
import Glibc
import Testing

/// A stream that goes on for minutes unless somebody ends it.
private let endless = "--frames 200000 --seed 7 --gop 5"

extension EndToEnd {
  @Suite("Early ends")
  struct Ending {
    @Test("a client that is killed frees its session, and the daemon stays")
    func killedClient() throws {
      let stage = try Stage()
      let client = try stage.start("\(endless) --format rgb24", output: "-")
      #expect(client.read(20 * 64 * 48 * 3).count == 20 * 64 * 48 * 3)
      #expect(try stage.status().sessions.count == 1)
      client.signal(SIGKILL)
      #expect(client.exitStatus() == -SIGKILL)
      try stage.close()
    }

    @Test("a player that is closed ends the stream, which is no failure")
    func closedPlayer() throws {
      let stage = try Stage()
      let ending = try stage.generateInShell(
        "\(endless) --format rgb24", output: "-", after: "| head -c 100000")
      #expect(ending.output.count == 100_000)
      try stage.close()
    }

    @Test("SIGTERM to the daemon leaves a partial file that a player shows, and both say how they ended")
    func daemonEnds() throws {
      let stage = try Stage()
      let client = try stage.start(endless, output: stage.file("a.mp4"))
      try stage.awaitStatus { ($0.sessions.first?.done ?? 0) > 20 }
      stage.flowd.signal(SIGTERM)
      let ending = client.end()
      #expect(ending.status == 5)
      let frames = try Probe(stage.file("a.mp4.partial")).frames
      #expect(frames > 0)
      let words = ["after \(frames) frames: drained", "kept in \(stage.file("a.mp4.partial"))"]
      for word in words { #expect(ending.errors.contains(word), "\(ending.errors)") }
      #expect(stage.flowd.exitStatus() == 0)
      #expect(access(stage.file("s"), F_OK) != 0, "the socket's file is still there")
    }

    @Test("SIGINT to the client leaves a whole, shorter file and status 130", arguments: [SIGINT, SIGTERM])
    func clientEnds(number: Int32) throws {
      let stage = try Stage()
      let client = try stage.start(endless, output: stage.file("a.mp4"))
      try stage.awaitStatus { ($0.sessions.first?.done ?? 0) > 20 }
      client.signal(number)
      let ending = client.end()
      #expect(ending.status == 130, "\(ending.errors)")
      #expect(try Probe(stage.file("a.mp4")).frames == Report(ending.text).frames)
      #expect(stage.contents("a.mp4.partial") == nil)
      try stage.close()
    }
  }
}
