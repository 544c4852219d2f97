// SPDX-License-Identifier: Apache-2.0

import FlowServer
import FlowTestSupport
import FlowWire
import FlowZeroMQ
import Glibc
import Logging
import Synchronization
import Testing

@Suite("What a log may hold", .timeLimit(.minutes(1)))
struct SecretsTests {
  @Test("what a client wrote is not logged at any level, be it taken or refused; its name is, on one line")
  func nothingSecret() throws {
    let realm = try Realm()
    let ann = try CurveKeyPair()
    try realm.write("[\(entry("ann", ann))]")
    let log = Log()
    do {
      var configuration = ServerConfiguration(endpoint: "tcp://127.0.0.1:*")
      realm.configure(&configuration)
      configuration.recordingsFolder = realm.folder.path
      let daemon = try Daemon(
        configuration: configuration, catalogue: TestCatalogue(), logger: log.logger())
      let client = try realm.connect(daemon, as: ann)
      for header in [
        #"{"v":1,"op":"hello","client":"me\nlevel=critical forged"}"#,
        #"{"v":1,"op":"open","model":"pattern","prompt":"hush-prompt"}"#,
        #"{"v":1,"op":"open","model":"pattern","action":"hush-action"}"#,
        #"{"v":1,"op":"open","model":"hush-model","resume":{"token":"hush-token"}}"#,
        #"{"v":1,"op":"hush-op"}"#, "hush-garbage",
        #"{"v":1,"op":"open","model":"pattern","record":{"path":"hush-folder/file"}}"#,
      ] {
        try client.send(header)
        _ = try client.next()
      }
      // A name that is taken meanwhile breaks a recording, which is logged, and not what it was called.
      try client.send(
        #"{"v":1,"op":"open","id":"k","model":"pattern","record":{"path":"hush-kept"},"credit":1}"#)
      guard case .opened(let kept) = try client.next().reply else { throw Unexpected(.pong) }
      _ = try client.next()
      #expect(mkdir("\(realm.folder.path)/hush-kept", 0o700) == 0)
      try client.send(.cancel(.session(kept.session)))
      while true { if case .end = try client.next().reply { break } }
      let session = try client.open(OpenRequest(model: "pattern", seed: 424_242, credit: 1)).session
      _ = try client.next()
      try client.send(.control(ControlRequest(session: session, plan: .hold("hush-control"))))
      _ = try client.next()
      try client.send(.cancel(.session(session)))
      #expect(try client.nextEnd().reason == .cancelled)
      daemon.drain()
      daemon.wait()
    }
    let lines = log.lines
    for words in [
      "session opened", "session ended", "hello", "refused", "recording broken", "me?level=critical forged",
      "ann",
    ] {
      #expect(lines.contains { $0.contains(words) }, "the log does not say \(words)")
    }
    for line in lines {
      #expect(!line.contains("hush") && !line.contains("424242") && !line.contains("\n"), "\(line)")
    }
  }

  @Test("an operator who asks for it reads in the log what clients want made")
  func wishes() throws {
    let log = Log(), folder = try TemporaryFolder()
    do {
      var configuration = ServerConfiguration(endpoint: "ipc://\(folder.path)/s")
      configuration.logsPrompts = true
      let daemon = try Daemon(
        configuration: configuration, catalogue: TestCatalogue(), logger: log.logger())
      let client = try TestClient(daemon.endpoint)
      let session = try client.open(OpenRequest(model: "pattern", seed: 424_242, credit: 1)).session
      try client.send(.control(ControlRequest(session: session, plan: .hold("left"))))
      try client.send(.cancel(.session(session)))
      while true { if case .end = try client.next().reply { break } }
    }
    #expect(log.lines.contains { $0.contains("asked") && $0.contains("424242") })
    #expect(log.lines.contains { $0.contains("asked") && $0.contains(#""action":"left""#) })
  }
}

/// Keeps every line of a log.
private final class Log: Sendable {
  private let kept = Mutex<[String]>([])

  var lines: [String] { kept.withLock { $0 } }

  func logger() -> Logger {
    var logger = Logger(label: "test") { _ in Handler(log: self) }
    logger.logLevel = .trace
    return logger
  }

  private struct Handler: LogHandler {
    let log: Log
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let facts = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
      log.kept.withLock { $0.append("\(event.message) \(facts)") }
    }
  }
}
