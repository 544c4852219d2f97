// SPDX-License-Identifier: Apache-2.0

import FlowServer
import FlowTestSupport
import FlowWire
import FlowZeroMQ
import Glibc
import Logging
import Synchronization
import Testing

@Suite("The daemon as a process", .timeLimit(.minutes(1)))
struct ProcessTests {
  @Test(
    "SIGTERM in the middle of a stream ends it as drained and the process with status 0",
    arguments: [SIGTERM, SIGINT])
  func signalMidStream(number: Int32) async throws {
    let folder = try TemporaryFolder()
    let endpoint = "ipc://\(folder.path)/s"
    await #expect(processExitsWith: .exitCode(0)) {
      [number = number as Int32, endpoint = endpoint as String] in
      let seen = Seen()
      let status = DaemonProcess.run(
        configuration: ServerConfiguration(endpoint: endpoint), catalogue: TestCatalogue(),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      ) { endpoint in
        Task.detached {
          let client = try TestClient(endpoint)
          let session = try client.open(OpenRequest(model: "pattern", seed: 1)).session
          for _ in 0..<10 {
            _ = try client.next()
            try client.send(.credit(CreditRequest(session: session, count: 1)))
          }
          kill(getpid(), number)
          let end = try client.collect(session).end
          seen.reason.withLock { $0 = end?.reason }
        }
      }
      while seen.reason.withLock({ $0 == nil }) { sched_yield() }
      exit(seen.reason.withLock { $0 == .drained } ? status : 9)
    }
  }

  @Test("a second signal ends the process at once, whatever its streams do")
  func secondSignal() async throws {
    let folder = try TemporaryFolder()
    let endpoint = "ipc://\(folder.path)/s"
    await #expect(processExitsWith: .exitCode(1)) { [endpoint = endpoint as String] in
      let gate = Gate()
      _ = DaemonProcess.run(
        configuration: ServerConfiguration(endpoint: endpoint),
        catalogue: TestCatalogue(gate: gate), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      ) { endpoint in
        Task.detached {
          let client = try TestClient(endpoint)
          _ = try client.open(OpenRequest(model: "gated", seed: 1))
          kill(getpid(), SIGTERM)
          try client.awaitStatus { $0.isDraining }
          kill(getpid(), SIGTERM)
        }
      }
      // The generator never comes back, so that only the second signal can have ended this process.
      exit(9)
    }
  }

  @Test("the executable says when it is ready, answers, and ends with status 0 at SIGTERM")
  func executable() throws {
    let folder = try TemporaryFolder()
    let flowd = try Child(
      "flowd", ["--models", folder.path, "--manifolds", folder.path, "--bind", "ipc://\(folder.path)/s"])
    #expect(flowd.readLine() == "flowd is ready at ipc://\(folder.path)/s")
    let client = try TestClient("ipc://\(folder.path)/s")
    try client.send(.models)
    #expect(try client.next().reply == .models([]))
    try client.send(.open(OpenRequest(model: "doom")))
    let error = try client.nextFailure().failure.error
    #expect(error.code == .notFound && error.message.contains("this daemon has none"))
    let second = try Child("flowd", ["--bind", "ipc://\(folder.path)/s"])
    #expect(second.exitStatus() == 75)
    flowd.signal(SIGTERM)
    #expect(flowd.exitStatus() == 0)
    #expect(access("\(folder.path)/s", F_OK) != 0, "the socket's file is still there")
  }

  @Test(
    "the executable refuses what is wrong with its own exit code",
    arguments: [
      (["--bind", "tcp://0.0.0.0:5757"], 78), (["--max-sessions", "0"], 2), (["--nonsense"], 2),
      (["--log-level", "loud"], 2), (["--help"], 0), (["--version"], 0), (["--print-config"], 0),
    ] as [([String], Int32)])
  func exitCodes(arguments: [String], status: Int32) throws {
    #expect(try Child("flowd", arguments).exitStatus() == status)
  }
}

/// What a client saw at the end of its stream.
private final class Seen: Sendable {
  let reason = Mutex<StreamEnd.Reason?>(nil)
}
