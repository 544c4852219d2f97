// SPDX-License-Identifier: Apache-2.0

import FlowTestSupport
import FlowWire
import Testing

extension EndToEnd {
  @Suite("Refusals")
  struct Refusal {
    @Test(
      "what the server cannot make is status 4, says why, and leaves no file",
      arguments: [
        ("--model absent --frames 2", ["not_found", "\"absent\"", "tiny"]),
        ("--model absent --seconds 2", ["no model", "\"absent\"", "tiny"]),
        ("--frames 2 --actions up", ["bad_request", "\"up\"", "stay, left"]),
        ("--frames 2 --steps 9", ["bad_request", "steps is 9", "1 to 2"]),
      ])
    func refused(options: String, words: [String]) throws {
      let stage = try Stage()
      let ending = try stage.generate(options, output: stage.file("a.mp4"))
      #expect(ending.status == 4 && ending.output.isEmpty)
      for word in words { #expect(ending.errors.contains(word), "\(ending.errors)") }
      #expect(stage.contents("a.mp4") == nil && stage.contents("a.mp4.partial") == nil)
      try stage.close()
    }

    @Test("an initial image of another size is status 4 and names both sizes")
    func wrongImage() throws {
      let stage = try Stage()
      _ = try stage.generate("--frames 1 --scale 2", output: stage.file("f%d.png")).report()
      let ending = try stage.generate(
        "--frames 2 --init-image \(stage.file("f0.png"))", output: stage.file("a.mp4"))
      #expect(ending.status == 4)
      for word in ["bad_request", "image", "128×96", "64×48"] {
        #expect(ending.errors.contains(word), "\(ending.errors)")
      }
      try stage.close()
    }

    @Test(
      "an output that cannot be opened is status 73 before a stream is", arguments: ["none/a.mp4", "s/a.mp4"])
    func unwritable(name: String) throws {
      let stage = try Stage()
      let ending = try stage.generate("--frames 2", output: stage.file(name))
      #expect(ending.status == 73 && ending.errors.contains("cannot write \(stage.file(name))"))
      #expect(try stage.status().sessionsOpened == 0)
      try stage.close()
    }

    @Test("a full disk is status 73 and says how much was written")
    func fullDisk() throws {
      let stage = try Stage()
      let device = try stage.generate("--frames 5000 --format mp4", output: "/dev/full")
      let pipe = try stage.generateInShell("--frames 5000 --format mp4", output: "-", after: ">/dev/full")
      for ending in [device, pipe] {
        #expect(ending.status == 73)
        #expect(ending.errors.contains("No space left on device (0 bytes"), "\(ending.errors)")
      }
      try stage.close()
    }

    @Test("a file that may not grow keeps whole frames, which a player shows", arguments: ["a.mp4", "a.y4m"])
    func limitedFile(name: String) throws {
      let stage = try Stage()
      let wish = "--frames 60 --seed 7 --scale 4 --gop 5"
      let whole = try stage.generate(wish, output: stage.file("whole-\(name)")).report()
      // The shell counts in blocks of 512 bytes.
      let ending = try stage.generateInShell(
        wish, output: stage.file(name), before: "ulimit -f \(whole.bytes / 2 / 512)")
      #expect(ending.status == 73)
      let kept = try #require(stage.contents("\(name).partial"))
      #expect(
        ending.errors.contains("(\(kept.count) bytes of whole chunks were written)"), "\(ending.errors)")
      #expect(ending.errors.contains(stage.file("\(name).partial")))
      #expect(try #require(stage.contents("whole-\(name)")).starts(with: kept))
      #expect((1..<60).contains(try Probe(stage.file("\(name).partial")).frames))
      #expect(stage.contents(name) == nil)
      try stage.close()
    }
  }
}
