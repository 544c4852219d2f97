// SPDX-License-Identifier: Apache-2.0

@testable internal import FlowClient
internal import FlowWire

/// What a client makes of what a server sends: headers, divided by zero bytes. A body has as many bytes as its header says.
let clientTarget = Target(
  "client",
  seeds: {
    [videoStream, pointStream].map { stream in
      Array(stream.map { ReplyMessage(id: "r1", $0).header() }.joined(separator: [0]))
    }
  }
) { bytes in
  let messages = parts(bytes, most: 16).compactMap { try? ReplyMessage(header: $0) }
  video(messages)
  points(messages, as: PointFormat.allCases[bytes.count % PointFormat.allCases.count])
}

/// Hands messages to a video stream until it is over or lost.
private func video(_ messages: [ReplyMessage]) {
  guard let wish = try? OpenRequest(model: "a", .plain) else { fail("broken: a plain wish is possible") }
  do throws(ClientError) {
    var run = try StreamRun(id: "r1", place: .file("/dev/null"), frames: 0)
    for message in messages {
      if case .finish(let end) = try run.receive(message, body(of: message.reply)) {
        _ = try run.summary(end, of: wish, format: .rgb24).json
        return
      }
      _ = run.progress
    }
  } catch {
    check(error)
  }
}

/// Hands messages to a stream of points until it is over or lost.
private func points(_ messages: [ReplyMessage], as format: PointFormat) {
  do throws(ClientError) {
    var run = try PointRun(id: "r1", target: PointTarget(path: "/dev/null", format: format), keeping: 4)
    var encoder: PointEncoder?, head: [UInt8] = []
    for message in messages {
      let bodies = body(of: message.reply)
      switch try run.receive(message, bodies) {
      case .begin:
        encoder = run.opened.map { PointEncoder(format, $0) }
        head = encoder?.head ?? []
      case .write:
        guard case .points(let header) = message.reply else { fail("broken: points alone are written") }
        _ = encoder?.encode(header, bodies[0])
      case .finish(let end): return finish(run, end, format)
      case .wait: break
      }
      _ = run.progress.line
    }
    if let corrected = encoder?.correctedHead {
      expect(corrected.count == head.count, "a head fits in its place")
    }
    finish(
      run, StreamEnd(session: "", reason: .done, frames: 0, bytes: 0, milliseconds: 0, sha256: ""), format)
  } catch {
    check(error)
  }
}

/// The summary and the picture, which the client makes when digests agree; no fuzzer finds such.
private func finish(_ run: PointRun, _ end: StreamEnd, _ format: PointFormat) {
  guard let opened = run.opened else { return }
  let summary = PointSummary(
    opened, end, format: format, seconds: 1, generationSeconds: 1, fileBytes: 0, path: nil,
    isInterrupted: false)
  _ = summary.text + summary.json
  _ = PointMap(summary, run.kept).svg
}

private func check(_ error: ClientError) {
  expect(!error.message.isEmpty, "an error has a message")
}

/// A body that suits a header, or a short one where that is long.
private func body(of reply: Reply) -> [[UInt8]] {
  switch reply {
  case .points(let header):
    let count = header.shape.reduce(4) { $0.multipliedReportingOverflow(by: $1).partialValue }
    return [(0..<((0...4096).contains(count) ? count : 4)).map { oddNumbers[$0 % oddNumbers.count] }]
  case .frame, .media: return [[1, 2, 3]]
  default: return []
  }
}

/// 1, −1/2, the greatest number, no number and −∞ as little-endian float32.
private let oddNumbers: [UInt8] = [
  0, 0, 0x80, 0x3F, 0, 0, 0, 0xBF, 0xFF, 0xFF, 0x7F, 0x7F, 0, 0, 0xC0, 0x7F, 0, 0, 0x80, 0xFF,
]
