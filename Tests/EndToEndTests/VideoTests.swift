// SPDX-License-Identifier: Apache-2.0

import FlowTestSupport
import FoundationEssentials
import Testing

extension EndToEnd {
  @Suite("Videos")
  struct Video {
    private let steered = "--frames 24 --seed 7 --actions left*8,stay*4"

    @Test(
      "a file holds what was asked for, with all four colour tags",
      arguments: [("a.mp4", 1), ("a.mp4", 3), ("a.ts", 2)])
    func file(name: String, scale: Int) throws {
      let stage = try Stage()
      let report = try stage.generate("\(steered) --scale \(scale)", output: stage.file(name)).report()
      let probe = try Probe(stage.file(name))
      #expect(probe["codec_name"] == "h264" && probe["r_frame_rate"] == "35/1")
      #expect(probe["width"] == "\(64 * scale)" && probe["height"] == "\(48 * scale)")
      #expect(probe.colours == ["tv", "bt709", "bt709", "bt709"])
      #expect(probe.frames == 24 && report.frames == 24)
      let bytes = try #require(stage.contents(name))
      #expect(report.bytes == bytes.count && report.sha256 == sha256(bytes))
      #expect(report.output == stage.file(name) && stage.contents("\(name).partial") == nil)
      try stage.close()
    }

    @Test("the same seed and actions give the same file, others another", arguments: ["a.mp4", "a.rgb"])
    func determinism(name: String) throws {
      let stage = try Stage()
      let wishes = [
        "--seed 7 --actions left*8", "--seed 7 --actions left*8", "--seed 8 --actions left*8",
        "--seed 7 --actions left*7,stay",
      ]
      let videos = try wishes.map { wish in
        let report = try stage.generate("--frames 12 \(wish)", output: stage.file(name)).report()
        let bytes = try #require(stage.contents(name))
        #expect(report.sha256 == sha256(bytes))
        return bytes
      }
      #expect(videos[0] == videos[1])
      #expect(videos[0] != videos[2] && videos[0] != videos[3])
      try stage.close()
    }

    @Test(
      "the report of a video makes it once more, in another daemon",
      arguments: [("a.mp4", "--scale 2 --crf 30 --gop 5 --fps 20"), ("a.rgb", "--steps 2"), ("a-%d.png", "")])
    func replay(name: String, options: String) throws {
      let stage = try Stage(), other = try Stage()
      let ending = try stage.generate(
        "--frames 12 --actions left*8,stay \(options)", output: stage.file(name))
      let report = try ending.report()
      try ending.text.write(toFile: stage.file("report"), atomically: true, encoding: .utf8)
      let again = try other.flowctl(["replay", stage.file("report"), "--json", "-o", other.file(name)])
      try #expect(Report(again.text).sha256 == report.sha256 && again.status == 0, "\(again.errors)")
      #expect(other.contents(name) == stage.contents(name))

      let others = ending.text.replacing("[\"left\",8]", with: "[\"left\",7]")
      try others.write(toFile: stage.file("others"), atomically: true, encoding: .utf8)
      let wrong = try other.flowctl(["replay", stage.file("others")])
      #expect(wrong.status == 5 && wrong.errors.contains(report.sha256))
      let weights = ending.text.replacing("\"model_sha256\":\"", with: "\"model_sha256\":\"0")
      try weights.write(toFile: stage.file("weights"), atomically: true, encoding: .utf8)
      #expect(try other.flowctl(["replay", stage.file("weights")]).status == 4)
      let nothing = try other.flowctl(["replay", "/dev/null"])
      #expect(nothing.status == 2 && nothing.errors.contains("--json"))
      try stage.close()
      try other.close()
    }

    @Test("two videos at a time are what each is alone")
    func sideBySide() throws {
      let stage = try Stage()
      let wishes = ["--frames 100 --seed 1 --format rgb24", "--frames 100 --seed 2 --format rgb24"]
      let children = try wishes.map { try stage.start($0, output: "-") }
      let together = children.map { $0.end().output }
      let alone = try wishes.map { try stage.generate($0, output: "-").output }
      #expect(together == alone && alone[0] != alone[1])
      try stage.close()
    }

    @Test(
      "a pipe gets the stream, and standard error its digest", arguments: ["rgb24", "y4m", "mp4", "mpegts"])
    func pipe(format: String) throws {
      let stage = try Stage()
      let ending = try stage.generate("\(steered) --format \(format)", output: "-")
      let report = try ending.pipeReport()
      #expect(report.frames == 24 && report.sha256 == sha256(ending.output) && report.output == nil)
      switch format {
      case "rgb24": #expect(ending.output.count == 24 * 64 * 48 * 3)
      case "y4m":
        #expect(ending.output.starts(with: "YUV4MPEG2 W64 H48 F35:1 ".utf8))
        #expect(ending.output.count(ofRecords: "FRAME\n", each: 64 * 48 * 3 / 2) == 24)
      default: break
      }
      try stage.close()
    }

    @Test("a player shows the pixels that were generated", arguments: ["a.mp4", "a.ts"])
    func pixels(name: String) throws {
      let stage = try Stage()
      _ = try stage.generate("\(steered) --scale 8 --crf 1", output: stage.file(name)).report()
      let shown = try play(stage.file(name), width: 64, height: 48, scale: 8)
      let generated = try stage.generate("\(steered) --format rgb24", output: "-").output
      try #require(shown.count == generated.count)
      let error = zip(shown, generated).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
      // Rounding to YUV and H.264 at its finest cost about one of 255 steps; a wrong matrix or range costs many.
      #expect(Double(error) / Double(shown.count) < 2)
      try stage.close()
    }

    @Test("a PNG that was generated can be continued")
    func continuation() throws {
      let stage = try Stage()
      _ = try stage.generate("--frames 3 --seed 1", output: stage.file("f%d.png")).report()
      let image = stage.file("f2.png")
      let wish = "--frames 8 --seed 7 --format rgb24"
      let continued = try stage.generate("\(wish) --init-image \(image)", output: "-")
      #expect(try continued.pipeReport().frames == 8)
      let fresh = try stage.generate(wish, output: "-")
      #expect(continued.output.count == fresh.output.count && continued.output != fresh.output)
      try stage.close()
    }

    @Test("seconds are understood by a daemon that has just started and loads the model")
    func seconds() throws {
      let stage = try Stage()
      let report = try stage.generate("--seconds 2", output: stage.file("a.mp4")).report()
      #expect(report.frames == 70)
      try stage.close()
    }

    @Test("both programs meet where FLOWD_ENDPOINT says")
    func environment() throws {
      let folder = try TemporaryFolder()
      let environment = ["FLOWD_ENDPOINT": "ipc://\(folder.path)/s"]
      try writeTinyBundle("tiny", in: folder.path)
      let flowd = try Child(
        "flowd", ["--models", folder.path, "--manifolds", folder.path], environment: environment)
      _ = flowd.readLine()
      let listing = try Child("flowctl", ["models"], environment: environment).end()
      #expect(listing.status == 0 && listing.text.contains("tiny"))
    }
  }
}

extension [UInt8] {
  /// How often `head` comes, each with `each` bytes after it, up to the end; -1 if something else is between.
  fileprivate func count(ofRecords head: String, each: Int) -> Int {
    guard let first = firstRange(of: Array(head.utf8))?.lowerBound else { return -1 }
    let record = head.utf8.count + each
    let starts = stride(from: first, to: count, by: record)
    let isWhole = (count - first) % record == 0 && starts.allSatisfy { self[$0...].starts(with: head.utf8) }
    return isWhole ? (count - first) / record : -1
  }
}
