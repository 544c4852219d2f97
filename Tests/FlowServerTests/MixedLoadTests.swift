// SPDX-License-Identifier: Apache-2.0

import FlowServer
import FlowTestSupport
import FlowWire
import Glibc
import Testing

@Suite("Frames and points side by side", .timeLimit(.minutes(1)))
struct MixedLoadTests {
  @Test("a batch of points that takes long holds up neither frames nor other points")
  func longBatch() throws {
    let daemon = try TestDaemon(catalogue: PointCatalogue()) { $0.maximumSessions = 4 }
    let long = try daemon.connect()
    // 10¹¹ multiplications: minutes, and nothing of it is sent before its end.
    let wish = try PointsWish(points: 4096, evaluations: 1000, batch: 4096)
    for seed in [1, 2] as [UInt64] {
      _ = try long.openPoints(OpenRequest(model: "slow", seed: seed, .points(wish)))
    }
    try long.awaitStatus { $0.sessions.allSatisfy { $0.phase == .generating } }
    let video = try daemon.connect()
    let frames = try video.collect(video.open(OpenRequest(model: "pattern", seed: 1, frames: 50)).session)
    #expect(frames.end?.frames == 50)
    let short = try daemon.connect()
    let points = try short.openPoints(
      OpenRequest(model: "sphere", seed: 1, .points(PointsWish(points: 100_000))))
    #expect(try short.collectPoints(points.session).end?.points == 100_000)
    let status = try short.status()
    #expect(status.sessions.count == 2 && status.sessions.allSatisfy { $0.done == 0 })
    // What is cancelled stops within a budget, not at the end of the batch.
    for session in status.sessions.map(\.session) { try long.send(.cancel(.session(session))) }
    try long.awaitStatus { $0.sessions.isEmpty }
    #expect(
      try video.collect(video.open(OpenRequest(model: "pattern", seed: 1, frames: 5)).session).end?.frames
        == 5)
  }

  @Test("two videos and two streams of points that all want more get a like share of the processor")
  func shares() throws {
    let folder = try TemporaryFolder()
    // Large enough that a frame takes longer to make than to send.
    try writeTinyBundle("video", in: "\(folder.path)/models", height: 192, width: 256)
    try writeTinyManifold("points", in: "\(folder.path)/manifolds")
    let flowd = try Child(
      "flowd",
      [
        "--models", "\(folder.path)/models", "--manifolds", "\(folder.path)/manifolds", "--max-sessions", "4",
        "--bind",
        "ipc://\(folder.path)/s",
      ])
    _ = flowd.readLine()
    let client = try TestClient("ipc://\(folder.path)/s")
    var milliseconds: [String: Double] = [:]
    var videos: Set<String> = []
    for seed in [1, 2] as [UInt64] {
      videos.insert(try openAmong(client, .video(VideoWish(format: .plain)), "video", seed, &milliseconds))
      _ = try openAmong(
        client, .points(PointsWish(evaluations: 50, batch: 4096)), "points", seed, &milliseconds)
    }
    // From here on all four want more all the time.
    for session in milliseconds.keys { milliseconds[session] = 0 }
    while milliseconds.values.max()! < 1500 { try receive(client, &milliseconds) }
    let times = milliseconds.map { videos.contains($0.key) ? $0.value / 2 : $0.value }
    #expect(times.min()! > times.max()! / 3, "\(milliseconds)")
    flowd.signal(SIGTERM)
    #expect(flowd.exitStatus() == 0)
  }

  /// Opens a stream on a socket that others already send to.
  private func openAmong(
    _ client: borrowing TestClient, _ content: OpenRequest.Content, _ model: String, _ seed: UInt64,
    _ milliseconds: inout [String: Double]
  ) throws -> String {
    let before = Set(milliseconds.keys)
    try client.send(.open(OpenRequest(model: model, seed: seed, credit: 64, content)))
    while milliseconds.count == before.count { try receive(client, &milliseconds) }
    return try #require(milliseconds.keys.first { !before.contains($0) })
  }

  /// Takes a message: adds what it took to its session's time, and gives credit for another.
  private func receive(_ client: borrowing TestClient, _ milliseconds: inout [String: Double]) throws {
    let (session, time): (String, Double)
    switch try client.next().reply {
    case .opened(let opened): return milliseconds[opened.session] = 0
    case .openedPoints(let opened): return milliseconds[opened.session] = 0
    case .frame(let header): (session, time) = (header.session, header.generationMilliseconds)
    case .points(let header): (session, time) = (header.session, header.generationMilliseconds)
    case let other: throw Unexpected(other)
    }
    milliseconds[session, default: 0] += time
    try client.send(.credit(CreditRequest(session: session, count: 1)))
  }
}
