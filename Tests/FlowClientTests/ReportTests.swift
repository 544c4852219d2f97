// SPDX-License-Identifier: Apache-2.0

import FlowClient
import Testing

@Suite("What the user reads")
struct ReportTests {
  @Test(
    "the progress line names count, rate, time left and size",
    arguments: [
      (
        StreamProgress(frames: 120, total: 350, seconds: 4, bytes: 1_234_567),
        "120/350 frames  30.0 frames/s  7.7 s left  1.2 MB"
      ),
      (StreamProgress(frames: 0, total: 10, seconds: 0, bytes: 0), "0/10 frames  0.0 frames/s  0 B"),
      (StreamProgress(frames: 7, total: nil, seconds: 2, bytes: 999), "7 frames  3.5 frames/s  999 B"),
    ])
  func progress(progress: StreamProgress, line: String) { #expect(progress.line == line) }

  @Test(
    "numbers are rounded to their digits",
    arguments: [
      (34.96, 1, "35.0"), (0.05, 1, "0.1"), (-0.04, 1, "0.0"), (-1.25, 2, "-1.25"), (2.5, 0, "3"),
      (1.005, 3, "1.005"),
    ])
  func numbers(value: Double, digits: Int, text: String) {
    #expect(fixed(value, digits: digits) == text)
  }

  @Test("columns of a table line up")
  func table() {
    var table = Table(["NAME", "SIZE"])
    table.append(["doom-health-64x48", "64×48"])
    table.append(["x", ""])
    #expect(table.text == "NAME               SIZE\ndoom-health-64x48  64×48\nx")
  }

  @Test(
    "the endpoint comes from the option, the environment, the user's folder or the system",
    arguments: [
      ("tcp://a:1", ["FLOWD_ENDPOINT": "ipc:///x"], "tcp://a:1"),
      (nil, ["FLOWD_ENDPOINT": "ipc:///x", "XDG_RUNTIME_DIR": "/run/user/1"], "ipc:///x"),
      (
        nil, ["FLOWD_ENDPOINT": "", "XDG_RUNTIME_DIR": "/run/user/1"],
        "ipc:///run/user/1/flowd/flowd.sock"
      ),
      (nil, [:], "ipc:///run/flowd/flowd.sock"),
    ] as [(String?, [String: String], String)])
  func endpoints(option: String?, environment: [String: String], endpoint: String) throws {
    #expect(try Endpoint.resolve(option: option, environment: environment) == endpoint)
  }

  @Test("what is no endpoint is refused", arguments: ["", "localhost:5757", "ipc://", "udp://a:1"])
  func wrongEndpoints(option: String) {
    let error = #expect(throws: ClientError.self) {
      try Endpoint.resolve(option: option, environment: [:])
    }
    #expect(error?.kind == .usage)
  }
}
