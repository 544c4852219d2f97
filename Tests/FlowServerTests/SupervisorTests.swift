// SPDX-License-Identifier: Apache-2.0

import FlowTestSupport
import FlowWire
import FoundationEssentials
import Glibc
import Logging
import Testing

@testable import FlowServer

@Suite("What the service manager is told", .timeLimit(.minutes(1)))
struct SupervisorTests {
  private func start(
    _ manager: NotifySocket, _ catalogue: any ModelCatalogue, watchdog: Int? = nil,
    configure: (inout ServerConfiguration) -> Void
  ) throws -> TestDaemon {
    var environment = ["NOTIFY_SOCKET": manager.name]
    environment["WATCHDOG_USEC"] = watchdog.map { "\($0)" }
    let supervisor = try Supervisor(environment: environment)
    return try TestDaemon(catalogue: catalogue, supervisor: supervisor, configure: configure)
  }

  @Test(
    "READY comes when the models of the start can be used, not before, and STOPPING when the drain begins")
  func ready() throws {
    let folder = try TemporaryFolder()
    let manager = try NotifySocket("\(folder.path)/n")
    let loading = Gate()
    let daemon = try start(manager, SlowCatalogue(loading: loading)) {
      $0.preload = .names(["first", "second"])
    }
    #expect(
      try manager.await("STATUS=") == [["STATUS=loading first, 0 of 2 models done; sessions: 0 of 2"]])
    loading.open(1)
    #expect(
      try manager.await("STATUS=") == [["STATUS=loading second, 1 of 2 models done; sessions: 0 of 2"]])
    // The loop has turned, and the second model still is not there.
    try daemon.connect().awaitStatus { _ in true }
    loading.open(1)
    #expect(try manager.await("READY=1") == [["READY=1"]])
    #expect(try manager.await("STATUS=") == [["STATUS=ready; sessions: 0 of 2"]])
    daemon.daemon.drain()
    #expect(try manager.await("STOPPING=1") == [["STOPPING=1", "EXTEND_TIMEOUT_USEC=5000000"]])
    daemon.daemon.wait()
    #expect(manager.receive() == ["STATUS=draining; sessions: 0 of 2"])
  }

  @Test("a daemon whose models all fail is not ready, and says why; one of several that fails is told")
  func failures() throws {
    let folder = try TemporaryFolder()
    let manager = try NotifySocket("\(folder.path)/n")
    let daemon = try start(manager, TestCatalogue()) { $0.preload = .names(["broken"]) }
    let before = try manager.await("STATUS=degraded: broken: the model broken cannot be loaded")
    #expect(!before.contains(["READY=1"]))
    var configuration = ServerConfiguration(endpoint: daemon.daemon.endpoint)
    configuration.preload = .names(["pattern", "broken"])
    daemon.daemon.reconfigure(configuration)
    let after = try manager.await("READY=1")
    #expect(!after.contains(["STATUS=ready; sessions: 0 of 2"]))
  }

  @Test("WATCHDOG comes while the loop turns, and stops while the compute thread does not come back")
  func watchdog() throws {
    let manager = try NotifySocket("@flowd-test-\(getpid())")
    let gate = Gate()
    let daemon = try start(manager, TestCatalogue(gate: gate), watchdog: 40_000) {
      $0.preload = .names(["gated"])
      $0.computeTimeout = .milliseconds(200)
    }
    try manager.await("READY=1")
    for _ in 0..<3 { try manager.await("WATCHDOG=1") }
    let client = try daemon.connect()
    let session = try client.open(OpenRequest(model: "gated", seed: 1, frames: 1)).session
    try manager.await("STATUS=degraded: the compute thread has been at one thing")
    // Twenty times as long as it takes otherwise.
    var silence: [[String]] = []
    let start = ContinuousClock.now
    while start.duration(to: .now) < .milliseconds(400) {
      if let message = manager.receive(milliseconds: 100) { silence.append(message) }
    }
    #expect(!silence.contains(["WATCHDOG=1"]))
    gate.open(1)
    let back = try manager.await("WATCHDOG=1")
    // The status may have changed before.
    if !back.contains(where: { $0.first?.hasPrefix("STATUS=ready") == true }) {
      try manager.await("STATUS=ready")
    }
    #expect(try client.collect(session).end?.reason == .done)
  }

  @Test(
    "the period of the watchdog is half of what the manager says, for this process only",
    arguments: [
      ([:], nil), (["WATCHDOG_USEC": "30000000"], .seconds(15)), (["WATCHDOG_USEC": "0"], nil),
      (["WATCHDOG_USEC": "soon"], nil), (["WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"], nil),
      (["WATCHDOG_USEC": "1000", "WATCHDOG_PID": "\(getpid())"], .microseconds(500)),
    ] as [([String: String], Duration?)])
  func period(environment: [String: String], period: Duration?) throws {
    let environment = environment.merging(["NOTIFY_SOCKET": "@x"]) { $1 }
    #expect(try #require(try Supervisor(environment: environment)).heartbeat == period)
  }

  @Test("without a manager there is nobody to tell, and a name that is none is refused")
  func names() throws {
    #expect(try Supervisor(environment: [:]) == nil)
    #expect(try Supervisor(environment: ["NOTIFY_SOCKET": ""]) == nil)
    for name in ["relative", "vsock:2:1", "/\(String(repeating: "x", count: 200))"] {
      let error = #expect(throws: StartError.self) {
        _ = try Supervisor(environment: ["NOTIFY_SOCKET": name])
      }
      #expect(error?.kind == .configuration && error?.description.contains(name) == true)
    }
    let nobody = try #require(try Supervisor(environment: ["NOTIFY_SOCKET": "/no/such/socket"]))
    #expect(!nobody.tell("READY=1"))
  }

  @Test(
    "systemd accepts the unit, also with its addition where it is new enough",
    .enabled(if: access("/usr/bin/systemd-analyze", X_OK) == 0))
  func unit() throws {
    let folder = try TemporaryFolder()
    let root = #filePath.components(separatedBy: "/Tests/")[0]
    let text = try String(contentsOfFile: "\(root)/tools/systemd/flowd.service", encoding: .utf8)
    #expect(text.contains("ExecStart=/usr/bin/flowd\n"))
    // systemd looks for the program, which the tests do not install.
    let installed = text.replacing("/usr/bin/flowd", with: Child.path(of: "flowd"))
    let unit = "\(folder.path)/flowd.service"
    try installed.write(toFile: unit, atomically: true, encoding: .utf8)
    let version = try Child("/usr/bin/systemd-analyze", ["--version"]).end().text
    if Int(version.split(separator: " ").dropFirst().first ?? "") ?? 0 >= 253 {
      try FileManager.default.createDirectory(atPath: "\(unit).d", withIntermediateDirectories: false)
      let addition = "notify-reload.conf"
      try FileManager.default.copyItem(
        atPath: "\(root)/tools/systemd/\(addition)", toPath: "\(unit).d/\(addition)")
    }
    let ending = try Child("/usr/bin/systemd-analyze", ["verify", unit]).end()
    #expect(ending.status == 0 && ending.errors.isEmpty, "\(ending.errors)")
  }
}

/// Models that take as long to load as a test wants.
struct SlowCatalogue: ModelCatalogue {
  let loading: Gate

  func names() -> [String] { ["first", "second"] }

  func describe(_ name: String) throws -> ServedModelDescription { try TestCatalogue().describe(name) }

  func load(_ name: String) throws -> ServedModel {
    loading.pass()
    return .video(PatternModel(name))
  }
}
