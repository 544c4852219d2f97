// SPDX-License-Identifier: Apache-2.0

import FlowServer
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
  func signalMidStream(number: Int32) async {
    await #expect(processExitsWith: .exitCode(0)) { [number = number as Int32] in
      let folder = try TemporaryFolder()
      let seen = Seen()
      let status = DaemonProcess.run(
        configuration: ServerConfiguration(endpoint: "ipc://\(folder.path)/s"), catalogue: TestCatalogue(),
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
  func secondSignal() async {
    await #expect(processExitsWith: .exitCode(1)) {
      let folder = try TemporaryFolder()
      let gate = Gate()
      _ = DaemonProcess.run(
        configuration: ServerConfiguration(endpoint: "ipc://\(folder.path)/s"),
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
    let flowd = try Child(["--models", folder.path, "--bind", "ipc://\(folder.path)/s"])
    #expect(flowd.readLine() == "flowd is ready at ipc://\(folder.path)/s")
    let client = try TestClient("ipc://\(folder.path)/s")
    try client.send(.models)
    #expect(try client.next().reply == .models([]))
    try client.send(.open(OpenRequest(model: "doom")))
    let error = try client.nextFailure().failure.error
    #expect(error.code == .notFound && error.message.contains("this daemon has none"))
    let second = try Child(["--bind", "ipc://\(folder.path)/s"])
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
    #expect(try Child(arguments).exitStatus() == status)
  }
}

/// What a client saw at the end of its stream.
private final class Seen: Sendable {
  let reason = Mutex<StreamEnd.Reason?>(nil)
}

/// The built executable, run with arguments.
private struct Child {
  private let process: pid_t
  private let output: UnsafeMutablePointer<FILE>

  init(_ arguments: [String]) throws {
    var pipe: [Int32] = [0, 0]
    try #require(Glibc.pipe(&pipe) == 0)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addclose(&actions, pipe[0])
    var words: [UnsafeMutablePointer<CChar>?] = (["flowd"] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process: pid_t = 0
    try #require(posix_spawn(&process, try Self.path(), &actions, nil, &words, environ) == 0)
    close(pipe[1])
    self.process = process
    output = try #require(fdopen(pipe[0], "r"))
  }

  /// The executable lies beside the one that runs the tests.
  private static func path() throws -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    let runner = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    let folder = try #require(runner.lastIndex(of: "/").map { runner[..<$0] })
    return "\(folder)/flowd"
  }

  /// The next line of its output.
  func readLine() -> String? {
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(line) }
    guard getline(&line, &capacity, output) > 0, let line else { return nil }
    return String(String(cString: line).dropLast())
  }

  func signal(_ number: Int32) { kill(process, number) }

  /// Waits for its end; a negative number is the signal that ended it.
  func exitStatus() -> Int32 {
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    fclose(output)
    let signal = status & 0x7F
    return signal == 0 ? status >> 8 & 0xFF : -signal
  }
}
