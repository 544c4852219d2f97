// SPDX-License-Identifier: Apache-2.0

import FlowWire
import Testing

@testable import FlowClient

/// What a server may say, each part of it possible, that does not go together.
@Suite("Servers that do not mean well")
struct HostileServerTests {
  private func opened(points: Int = 0, geometry: String = "sphere(2)", times: [Double] = [0]) -> OpenedPoints
  {
    OpenedPoints(
      session: "s", tenancy: Tenancy(token: "0f"), model: "m", modelDigest: "ab", geometry: geometry,
      coordinates: ["x", "y", "z"], seed: 1,
      evaluations: 1, points: points, batch: 2, times: times)
  }

  private func header(first: Int = 0, shape: [Int]) -> PointsHeader {
    PointsHeader(
      session: "s", sequence: 0, first: first, shape: shape, coordinates: ["x", "y", "z"],
      generationMilliseconds: 1, isLast: false)
  }

  /// Hands a run one message; returns what it makes of it.
  private func failure(_ opened: OpenedPoints, _ header: PointsHeader, bytes: Int) throws -> ClientError? {
    var run = try PointRun(
      id: "1", target: PointTarget(path: "/dev/null", format: .csv), keeping: 100)
    _ = try run.receive(ReplyMessage(id: "1", .openedPoints(opened)), [])
    do throws(ClientError) {
      _ = try run.receive(ReplyMessage(.points(header)), [[UInt8](repeating: 0, count: bytes)])
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "points that are not those that are due are refused",
    arguments: [
      (0, [2, 3], 1, [0.0]), (0, [1 << 62, 3], 0, [0]), (0, [2, 3], 0, [1, 0]), (1, [2, 3], 0, [0]),
      (.max, [2, 3], 0, [0]), (0, [2, 1, 3], 0, [1, 0]),
    ])
  func due(first: Int, shape: [Int], points: Int, times: [Double]) throws {
    let error = try failure(
      opened(points: points, times: times), header(first: first, shape: shape), bytes: 24)
    #expect(error?.kind == .misbehaved)
  }

  @Test("points that are due are taken, with all times of their way or without")
  func taken() throws {
    #expect(try failure(opened(points: 2), header(shape: [2, 3]), bytes: 24) == nil)
    #expect(try failure(opened(times: [1, 0]), header(shape: [1, 2, 3]), bytes: 24) == nil)
  }

  @Test("the head of a file has room for any number of points", arguments: [PointFormat.npy, .safetensors])
  func heads(format: PointFormat) throws {
    for width in 1...64 {
      let opened = OpenedPoints(
        session: "s", tenancy: Tenancy(token: "0f"), model: String(repeating: "m", count: width),
        modelDigest: "ab", geometry: "torus(1)",
        coordinates: ["x"], seed: 1, evaluations: 1, points: 0, batch: 2, times: [0])
      var encoder = PointEncoder(format, opened)
      let head = encoder.head
      _ = encoder.encode(header(shape: [WireLimits.points, 1]), [])
      #expect(encoder.correctedHead?.count == head.count)
    }
  }

  @Test("as many points as may be asked for, with all times of their way, have a head")
  func longest() {
    let times = (0...1000).map { Double($0) / 1000 }
    let encoder = PointEncoder(.safetensors, opened(points: WireLimits.points, times: times))
    #expect(String(decoding: encoder.head.dropFirst(8), as: UTF8.self).contains("12012000000000000"))
  }

  @Test("a product of nothing has a picture", arguments: ["product()", "product(,)", ""])
  func noFactors(geometry: String) {
    let end = StreamEnd(session: "s", reason: .done, frames: 0, bytes: 0, milliseconds: 1, sha256: "")
    let summary = PointSummary(
      opened(geometry: geometry), end, format: .npy, seconds: 1, generationSeconds: 1, fileBytes: 0,
      path: nil,
      isInterrupted: false)
    #expect(PointMap(summary, [1, 2, 3]).svg.contains("</svg>"))
  }
}
