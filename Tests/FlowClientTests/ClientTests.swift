// SPDX-License-Identifier: Apache-2.0

import FlowClient
import FlowWire
import FoundationEssentials
import Testing

@Suite("A client and a peer over real sockets")
struct ClientTests {
  @Test("an endpoint where nobody answers is named within the timeout")
  func unreachable() {
    let endpoint = "ipc:///tmp/flow-nobody-\(UUID().uuidString)"
    let error = failure { () throws(ClientError) in
      _ = try Client.connect(to: endpoint, timeout: .milliseconds(100), interruptions: { 0 })
    }
    #expect(error?.kind == .unreachable)
    #expect(error?.exitStatus == 3)
    #expect(error?.message.contains(endpoint) == true)
  }

  @Test(
    "a peer that does not greet as it should is refused",
    arguments: [(FakeServer.Fault.oldVersion, ClientError.Kind.refused), (.garbage, .misbehaved)])
  func greeting(fault: FakeServer.Fault, kind: ClientError.Kind) {
    let server = FakeServer(fault)
    defer { server.stop() }
    #expect(failure { () throws(ClientError) in _ = try connect(server) }?.kind == kind)
  }

  @Test("models and status become tables and JSON")
  func listings() throws {
    let server = FakeServer()
    defer { server.stop() }
    var client = try connect(server)
    let models = try client.models()
    #expect(
      models.table == """
        MODEL  STATE  MAKES  FPS   STEPS    ACTIONS    SHA256
        toy    ready  2×1    35.0  2 (1…4)  none left  abababababab
        """)
    #expect(models.json.hasPrefix("{\"v\":1,\"op\":\"models\",\"models\":[{\"name\":\"toy\""))
    let status = try client.status()
    #expect(status.table.hasPrefix("flowd 0, up 1.5 s\n0 of 2 sessions; 3 opened, 99 frames and 0 points"))
  }

  @Test("a stream arrives whole, whatever its length is against the credit", arguments: [1, 16, 17, 200])
  func whole(frames: Int) throws {
    let server = FakeServer()
    defer { server.stop() }
    try inTemporaryFolder { folder in
      var client = try connect(server)
      let path = folder + "/out.rgb"
      var seen: [Int] = []
      let summary = try client.generate(shortRequest(frames), into: .file(path)) { seen.append($0.frames) }
      let expected = (0..<frames).flatMap(fakeFrame)
      #expect(FileManager.default.contents(atPath: path).map(Array.init) == expected)
      #expect((summary.frames, summary.bytes) == (frames, frames * 6))
      #expect(summary.path == path)
      #expect(!summary.isInterrupted)
      #expect(seen == Array(0...frames))
    }
  }

  @Test("everything that was asked for stands in the request")
  func everything() throws {
    let server = FakeServer()
    defer { server.stop() }
    try inTemporaryFolder { folder in
      var client = try connect(server)
      let wish = try VideoRequest(
        model: "toy", seconds: 2, seed: .max, script: ActionScript(inline: "left*8,none"), steps: 3,
        scale: 4, filter: .bicubic, crf: 20, gop: 12, format: .mp4)
      _ = try client.generate(wish, into: .file(folder + "/out.mp4"))
      let open = try #require(server.opened)
      let video = try #require(open.video)
      #expect((open.model, video.frames, open.seed, video.steps) == ("toy", 70, .max, 3))
      #expect(video.plan == .runs([try ActionRun("left", 8), try ActionRun("none", 1)]))
      #expect(
        video.format == (try StreamFormat(.fmp4, crf: 20, gop: 12, scale: 4, filter: .bicubic)))
    }
  }

  @Test("an initial image travels as the PNG file that it is")
  func image() throws {
    let server = FakeServer()
    defer { server.stop() }
    try inTemporaryFolder { folder in
      var client = try connect(server)
      let png: [UInt8] =
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + Array("IHDR".utf8)
        + [0, 0, 0, 64, 0, 0, 1, 48, 8, 2, 0, 0, 0]
      let wish = try VideoRequest(model: "toy", frames: 1, image: png, format: .rgb24)
      _ = try client.generate(wish, into: .file(folder + "/out.rgb"))
      let expected = try InitialImage(.png, width: 64, height: 304, bytes: png)
      #expect(server.opened?.video?.image == expected)
    }
  }

  @Test(
    "wishes that cannot be are refused before a server is asked",
    arguments: [
      (nil, nil, 1, nil), (5, 1.0, 1, nil), (0, nil, 1, nil), (-1, nil, 1, nil), (Int.max, nil, 1, nil),
      (5, nil, 17, nil), (5, nil, 1, Array("GIF89a".utf8)),
    ] as [(Int?, Double?, Int, [UInt8]?)])
  func wishes(frames: Int?, seconds: Double?, scale: Int, image: [UInt8]?) {
    let error = failure { () throws(ClientError) in
      _ = try VideoRequest(
        model: "toy", frames: frames, seconds: seconds, image: image, scale: scale, format: .rgb24)
    }
    #expect(error?.kind == .usage)
  }
}

/// A short conversation with a peer.
func connect(_ server: FakeServer, interruptions: @escaping () -> Int = { 0 }) throws(ClientError)
  -> Client
{
  try Client.connect(
    to: server.endpoint, timeout: .milliseconds(500), interruptions: interruptions)
}

/// A wish for so many bare frames.
func shortRequest(_ frames: Int) throws -> VideoRequest {
  try VideoRequest(model: "toy", frames: frames, format: .rgb24)
}

/// The error that `body` throws.
func failure(_ body: () throws(ClientError) -> Void) -> ClientError? {
  do throws(ClientError) {
    try body()
    return nil
  } catch {
    return error
  }
}
