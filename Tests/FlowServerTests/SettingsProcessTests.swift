// SPDX-License-Identifier: Apache-2.0

import FlowTestSupport
import FlowWire
import FoundationEssentials
import Glibc
import Testing

@Suite("The settings of the executable", .timeLimit(.minutes(1)))
struct SettingsProcessTests {
  @Test("--print-config says every value and its source")
  func printConfiguration() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/c.yaml"
    try "max-sessions: 7\nlease: 3\nmax-queue: 5\n".write(toFile: path, atomically: true, encoding: .utf8)
    let flowd = try Child(
      "flowd", ["--lease=5", "--print-config"],
      environment: ["FLOWD_CONFIG": path, "FLOWD_MAX_QUEUE": "4", "FLOWD_ENDPOINT": "ipc:///e"])
    let ending = flowd.end()
    #expect(ending.status == 0, "\(ending.errors)")
    let lines = ending.text.split(separator: "\n").map(String.init)
    for line in [
      "bind = ipc:///e  # FLOWD_ENDPOINT", "max-sessions = 7  # \(path)", "lease = 5  # --lease",
      "max-queue = 4  # FLOWD_MAX_QUEUE", "idle-timeout = 60  # default",
    ] { #expect(lines.contains(line), "no line \(line)") }
    #expect(lines.count == 22)
  }

  @Test("--check ends with 0 if all is well, 65 with a broken bundle and 78 with a bad configuration")
  func check() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/c.yaml"
    let arguments = ["--models", folder.path, "--manifolds", folder.path, "--config", path, "--check"]
    try "lease: 3\n".write(toFile: path, atomically: true, encoding: .utf8)
    try writeTinyBundle("tiny", in: folder.path)
    #expect(try Child("flowd", arguments).end().status == 0)
    try "lease: 3\nleaze: 3\n".write(toFile: path, atomically: true, encoding: .utf8)
    let misspelt = try Child("flowd", arguments).end()
    #expect(
      misspelt.status == 78 && misspelt.errors.contains("\"leaze\"") && misspelt.errors.contains("lease"))
    try "preload: tinny\n".write(toFile: path, atomically: true, encoding: .utf8)
    let absent = try Child("flowd", arguments).end()
    #expect(absent.status == 78 && absent.errors.contains("the nearest: tiny"))
    try "{}\n".write(toFile: path, atomically: true, encoding: .utf8)
    #expect(truncate("\(folder.path)/tiny/weights.safetensors", 100) == 0)
    #expect(try Child("flowd", arguments).end().status == 65)
  }

  @Test(
    "SIGHUP takes over a good file, keeps the old configuration at a bad one, and SIGUSR1 logs the status")
  func reload() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/c.yaml"
    func write(_ text: String) throws { try text.write(toFile: path, atomically: true, encoding: .utf8) }
    try write("max-sessions: 2\n")
    let manager = try NotifySocket("\(folder.path)/n")
    let flowd = try Child(
      "flowd",
      [
        "--models", folder.path, "--manifolds", folder.path, "--bind", "ipc://\(folder.path)/s", "--config",
        path,
      ], environment: ["NOTIFY_SOCKET": manager.name])
    #expect(flowd.readLine() == "flowd is ready at ipc://\(folder.path)/s")
    try manager.await("READY=1")
    let client = try TestClient("ipc://\(folder.path)/s")
    #expect(try client.status().limits.sessions == 2)
    try write("max-sessions: 3\nidle-timeout: 5\nlog-level: debug\nlog-format: text\n")
    try reload(flowd, manager)
    let limits = try client.status().limits
    #expect(limits.sessions == 3 && limits.idleMilliseconds == 5000)
    try client.send(.hello(client: "debugging"))
    _ = try client.next()
    try write("max-sessions: 4\nidle-timeout: never\n")
    try reload(flowd, manager)
    #expect(try client.status().limits.sessions == 3)
    try writeTinyBundle("late", in: folder.path)
    try write("max-sessions: 1\n")
    try reload(flowd, manager)
    #expect(try client.status().limits.sessions == 1)
    try client.awaitStatus { $0.models.contains { $0.isReady(named: "late") } }
    flowd.signal(SIGUSR1)
    flowd.signal(SIGTERM)
    try manager.await("STOPPING=1")
    let ending = flowd.end()
    #expect(ending.status == 0)
    let lines = ending.errors.split(separator: "\n").map(String.init)
    func logged(_ words: String...) -> Bool {
      lines.contains { line in words.allSatisfy { line.contains($0) } }
    }
    #expect(
      logged(
        "\"msg\":\"a setting cannot change while the daemon runs; restart it\"", "\"setting\":\"log-format\"")
    )
    #expect(logged("\"level\":\"debug\"", "\"client\":\"debugging\""))
    #expect(
      logged("\"msg\":\"configuration not loaded; the old one stays\"", "idle-timeout is", "never", path))
    #expect(logged("\"msg\":\"status\"", "\"status\":{\"version\":\"0.1.0\"", "\"max_sessions\":1"))
  }

  private func reload(_ flowd: Child, _ manager: NotifySocket) throws {
    flowd.signal(SIGHUP)
    let begin = try #require(try manager.await("RELOADING=1").last)
    #expect(begin.count == 2 && begin[1].hasPrefix("MONOTONIC_USEC="))
    #expect(Int(begin[1].dropFirst("MONOTONIC_USEC=".count)) ?? 0 > 0)
    try manager.await("READY=1")
  }
}

extension ModelSummary {
  /// Whether it is that model, and it can be used.
  fileprivate func isReady(named name: String) -> Bool {
    if case .ready = state { self.name == name } else { false }
  }
}
