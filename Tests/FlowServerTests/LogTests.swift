// SPDX-License-Identifier: Apache-2.0

import FlowWire
import Logging
import Testing

@testable import FlowServer

@Suite("The log")
struct LogTests {
  private func event(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata = [:]) -> LogEvent
  {
    LogEvent(
      level: level, message: "\(message)", metadata: metadata, source: "test", file: "", function: "", line: 0
    )
  }

  @Test("a warning that repeats is written five times in ten seconds, then with how many were left out")
  func repetition() {
    let governor = LogGovernor(level: .info)
    let start = ContinuousClock.now
    var written: [Int?] = []
    for index in 0..<8 {
      written.append(governor.admit(event(.warning, "odd", ["sid": "s\(index)"]), now: start))
    }
    #expect(written == [0, 0, 0, 0, 0, nil, nil, nil])
    #expect(governor.admit(event(.warning, "odd", ["model": "other"]), now: start) == 0)
    #expect(governor.admit(event(.error, "worse"), now: start) == 0)
    #expect(governor.admit(event(.warning, "odd", ["sid": "s9"]), now: start + .seconds(10)) == 3)
    #expect(governor.admit(event(.warning, "odd", ["sid": "s9"]), now: start + .seconds(20)) == 0)
    let notes = (0..<100).map { _ in governor.admit(event(.notice, "news"), now: start) }
    #expect(notes.allSatisfy { $0 == 0 })
  }

  @Test("the level of a governor is that of all its loggers")
  func level() {
    let governor = LogGovernor(level: .info)
    let logger = Logger(label: "a") { _ in GovernedLogHandler(SwiftLogNoOpLogHandler(), governor) }
    #expect(logger.logLevel == .info)
    governor.level = .debug
    #expect(logger.logLevel == .debug)
  }

  @Test("a line of JSON has numbers as numbers, JSON as JSON and everything else as text")
  func line() {
    let line = JSONLogHandler(label: "flowd").line(
      event(
        .notice, "news",
        [
          "dur_ms": .stringConvertible(12), "sid": "s1", "component": "http",
          "status": .stringConvertible(JSONMetadata(value: .array([.integer(1), .null]))),
        ]))
    guard case .object(let object) = line else {
      Issue.record("no object")
      return
    }
    #expect(object.members.map(\.name) == ["ts", "level", "component", "msg", "dur_ms", "sid", "status"])
    #expect(object["dur_ms"] == .integer(12) && object["sid"] == .string("s1"))
    #expect(object["component"] == .string("http") && object["status"] == .array([.integer(1), .null]))
    #expect(object["level"] == .string("notice") && object["msg"] == .string("news"))
  }
}
