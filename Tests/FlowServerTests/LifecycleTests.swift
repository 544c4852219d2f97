// SPDX-License-Identifier: Apache-2.0

import FlowServer
import FlowTestSupport
import FlowWire
import FlowZeroMQ
import FoundationEssentials
import Glibc
import Logging
import Testing

@Suite("The life of sessions and of the daemon", .timeLimit(.minutes(1)))
struct LifecycleTests {
  @Test("a session more than allowed is refused at once, and taken when one has ended")
  func sessionLimit() throws {
    let daemon = try TestDaemon {
      $0.maximumSessions = 1
      $0.maximumQueue = 0
    }
    let client = try daemon.connect()
    let session = try client.open(OpenRequest(model: "pattern", seed: 1, credit: 1)).session
    _ = try client.next()
    try client.send(.open(OpenRequest(model: "pattern")), id: "r2")
    let refusal = try client.nextFailure()
    #expect(
      refusal.id == "r2" && refusal.failure.error.code == .sessionLimit && refusal.failure.error.retryable)
    try client.send(.cancel(.session(session)))
    #expect(try client.nextEnd().reason == .cancelled)
    _ = try client.open(OpenRequest(model: "pattern", frames: 1))
  }

  @Test("cancelling twice gives the same end twice")
  func cancelTwice() throws {
    let daemon = try TestDaemon()
    let client = try daemon.connect()
    let session = try client.open(OpenRequest(model: "pattern", seed: 1, credit: 1)).session
    _ = try client.next()
    try client.send(.cancel(.session(session)), id: "a")
    let first = try client.next()
    try client.send(.cancel(.session(session)), id: "b")
    let second = try client.next()
    #expect(first.id == "a" && second.id == "b" && first.reply == second.reply)
    guard case .end(let end) = first.reply else { throw Unexpected(first.reply) }
    #expect(end.reason == .cancelled && end.frames == 1)
  }

  @Test("an open can be cancelled by its id")
  func cancelByID() throws {
    let gate = Gate()
    let daemon = try TestDaemon(catalogue: TestCatalogue(gate: gate))
    let client = try daemon.connect()
    try client.send(.open(OpenRequest(model: "gated")), id: "r1")
    try client.send(.cancel(.request("r1")))
    var reply = try client.next().reply
    if case .opened = reply { reply = try client.next().reply }
    guard case .end(let end) = reply else { throw Unexpected(reply) }
    #expect(end.reason == .cancelled)
    gate.open(9)
  }

  @Test("a session without credit ends as idle")
  func idle() throws {
    let daemon = try TestDaemon { $0.idleTimeout = .milliseconds(50) }
    let client = try daemon.connect()
    _ = try client.open(OpenRequest(model: "pattern", seed: 1, credit: 1))
    _ = try client.next()
    #expect(try client.nextEnd().reason == .idle)
  }

  @Test("a client waiting on a slow network hears from its session every second")
  func liveness() throws {
    let gate = Gate()
    let daemon = try TestDaemon(catalogue: TestCatalogue(gate: gate))
    let client = try daemon.connect()
    let session = try client.open(OpenRequest(model: "gated", frames: 1)).session
    let start = ContinuousClock.now
    for _ in 0..<2 {
      let reply = try client.receive().reply
      #expect(
        reply == .progress(Progress(session: session, phase: .generating, done: 0, total: 1, creditLeft: 8)))
    }
    #expect(start.duration(to: .now) < .seconds(4))
    gate.open(1)
    #expect(try client.collect(session).end?.reason == .done)
  }

  @Test("the sessions of a client whose socket is gone free their slots")
  func closedSocket() throws {
    let daemon = try TestDaemon { $0.lease = .milliseconds(50) }
    let watcher = try daemon.connect()
    do {
      let client = try daemon.connect()
      _ = try client.open(OpenRequest(model: "pattern", seed: 1, credit: 1))
      #expect(try watcher.status().sessions.count == 1)
    }
    try watcher.awaitStatus { $0.sessions.isEmpty }
  }

  @Test("a client killed mid-stream frees its slot")
  func killedClient() async throws {
    let daemon = try TestDaemon { $0.lease = .milliseconds(50) }
    let endpoint = daemon.daemon.endpoint
    await #expect(processExitsWith: .signal(SIGKILL)) { [endpoint = endpoint as String] in
      let client = try TestClient(endpoint)
      let session = try client.open(OpenRequest(model: "pattern", seed: 1, credit: 100)).session
      for _ in 0..<10 {
        _ = try client.next()
        try client.send(.credit(CreditRequest(session: session, count: 1)))
      }
      kill(getpid(), SIGKILL)
    }
    let watcher = try daemon.connect()
    #expect(try watcher.status().sessionsOpened == 1)
    try watcher.awaitStatus { $0.sessions.isEmpty }
  }

  @Test("a client that stands still without having gone frees its slot when its heartbeats are missed")
  func frozenClient() async throws {
    let daemon = try TestDaemon { $0.lease = .milliseconds(50) }
    let folder = try TemporaryFolder()
    let (endpoint, note) = (daemon.daemon.endpoint, "\(folder.path)/pid")
    async let freeze = #expect(processExitsWith: .signal(SIGKILL)) {
      [endpoint = endpoint as String, note = note as String] in
      let client = try TestClient(endpoint)
      _ = try client.open(OpenRequest(model: "pattern", seed: 1, credit: 1))
      _ = try client.next()
      try "\(getpid())".write(toFile: note, atomically: true, encoding: .utf8)
      kill(getpid(), SIGSTOP)
    }
    // The other process has to start first, on however busy a machine.
    defer {
      if let text = try? String(contentsOfFile: note, encoding: .utf8), let process = pid_t(text) {
        kill(process, SIGKILL)
      }
    }
    // And it is started by Swift's threads, of which a test that waits must not take one.
    try await onThread {
      try TestClient(endpoint).awaitStatus(for: .seconds(50)) {
        $0.sessionsOpened == 1 && $0.sessions.isEmpty
      }
    }
    kill(try #require(pid_t(String(contentsOfFile: note, encoding: .utf8))), SIGKILL)
    _ = await freeze
  }

  @Test("a daemon that drains ends its streams as drained, refuses new ones, and leaves")
  func drain() throws {
    let gate = Gate()
    let daemon = try TestDaemon(catalogue: TestCatalogue(gate: gate))
    let client = try daemon.connect()
    let session = try client.open(
      OpenRequest(model: "gated", seed: 1, format: StreamFormat(.fmp4, gop: 1000))
    ).session
    daemon.daemon.drain()
    try client.awaitStatus { $0.isDraining }
    try client.send(.open(OpenRequest(model: "pattern")), id: "late")
    let refusal = try client.nextFailure()
    #expect(refusal.id == "late" && refusal.failure.error.code == .draining)
    gate.open(100)
    let stream = try client.collect(session)
    #expect(stream.end?.reason == .drained)
    #expect(stream.end?.frames == 2 && stream.media.map(\.frames).reduce(0, +) == 2)
    daemon.daemon.wait()
  }

  @Test("a client that gives no credit does not keep a daemon from leaving")
  func drainWithoutCredit() throws {
    let daemon = try TestDaemon { $0.drainTimeout = .milliseconds(100) }
    let client = try daemon.connect()
    _ = try client.open(OpenRequest(model: "pattern", seed: 1, credit: 1))
    _ = try client.next()
    daemon.daemon.drain()
    daemon.daemon.wait()
    #expect(try client.nextEnd().reason == .drained)
  }

  @Test(
    "a daemon does not listen where it must not, and says why",
    arguments: [
      ("tcp://0.0.0.0:5757", StartError.Kind.configuration, "loopback"),
      ("tcp://*:5757", .configuration, "loopback"),
      ("tcp://192.168.0.1:5757", .configuration, "loopback"),
      ("tcp://127.evil.example:1", .configuration, "loopback"),
      ("inproc://x", .configuration, "write ipc:///"), ("ipc://relative", .configuration, "write ipc:///"),
      ("ipc:///no/such/folder/s", .cannotCreate, "/no/such/folder"),
      ("ipc:///dev/null", .cannotCreate, "will not be replaced"),
    ])
  func refusedEndpoints(endpoint: String, kind: StartError.Kind, message: String) {
    let error = #expect(throws: StartError.self) { try start(endpoint) }
    #expect(error?.kind == kind)
    #expect(error?.description.contains(message) == true, "\(String(describing: error))")
  }

  @Test("a second daemon at the same socket is refused, and a stale socket is replaced")
  func sameSocket() throws {
    let folder = try TemporaryFolder()
    let endpoint = "ipc://\(folder.path)/s"
    let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: "\(folder.path)/s".utf8) }
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(stale, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(status == 0)
    close(stale)
    let first = try start(endpoint)
    let error = #expect(throws: StartError.self) { try start(endpoint) }
    #expect(error?.kind == .busy)
    let client = try TestClient(first.endpoint)
    try client.send(.ping)
    #expect(try client.next().reply == .pong)
  }

  @Test("tcp on the loopback interface is served")
  func loopback() throws {
    let daemon = try start("tcp://127.0.0.1:*")
    let client = try TestClient(daemon.endpoint)
    try client.send(.ping)
    #expect(try client.next().reply == .pong)
  }

  private func start(_ endpoint: String) throws(StartError) -> Daemon {
    try Daemon(
      configuration: ServerConfiguration(endpoint: endpoint), catalogue: TestCatalogue(),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  @Test("many short sessions of one client do not push out the end that another may come back for")
  func tailsOfOthers() throws {
    let daemon = try TestDaemon(), client = try daemon.connect(), flood = try daemon.connect()
    let opened = try client.open(OpenRequest(model: "pattern", seed: 1, frames: 2))
    #expect(try client.collect(opened.session).end?.reason == .done)
    for _ in 0..<80 {
      let session = try flood.open(OpenRequest(model: "pattern", credit: 1)).session
      try flood.send(.cancel(.session(session)))
      while true { if case .end = try flood.next().reply { break } }
    }
    let wish = try ResumeRequest(
      session: opened.session, token: opened.tenancy.token, firstSequence: 0, takesOver: true)
    try client.send(.resume(wish))
    guard case .opened(let again) = try client.next().reply else { throw Unexpected(.pong) }
    #expect(again.tenancy.isResumed)
  }
}
