// SPDX-License-Identifier: Apache-2.0

import FlowServer
import FlowTestSupport
import FlowWire
import FlowZeroMQ
import Glibc
import Logging
import Testing

@Suite("Starting only where that is safe", .timeLimit(.minutes(1)))
struct SecureStartTests {
  @Test(
    "tcp beyond this machine needs a key or the operator's word",
    arguments: ["tcp://0.0.0.0:*", "tcp://*:*"])
  func beyondThisMachine(endpoint: String) throws {
    let error = #expect(throws: StartError.self) { _ = try start { $0.endpoint = endpoint } }
    #expect(error?.kind == .configuration)
    #expect(error?.description.contains("--curve-key and --users") == true)
    #expect(error?.description.contains("--insecure") == true)
    let daemon = try start {
      $0.endpoint = endpoint
      $0.isInsecure = true
    }
    let client = try TestClient("tcp://127.0.0.1:" + daemon.endpoint.split(separator: ":")[2])
    try client.send(.ping)
    #expect(try client.next().reply == .pong)
  }

  @Test("a key without users, and users without a key, are refused")
  func halfConfigured() throws {
    let realm = try Realm()
    let key = #expect(throws: StartError.self) { _ = try start { $0.curveKeyFile = realm.keyFile } }
    #expect(key?.kind == .configuration && key?.description.contains("add --users") == true)
    let users = #expect(throws: StartError.self) { _ = try start { $0.usersFile = realm.usersFile } }
    #expect(users?.kind == .configuration && users?.description.contains("add --curve-key") == true)
  }

  @Test("a key file that others can read, or that is none, ends the start with code 77")
  func badKeyFile() throws {
    let realm = try Realm()
    #expect(chmod(realm.keyFile, 0o640) == 0)
    let open = #expect(throws: StartError.self) { _ = try start(realm.configure) }
    #expect(open?.kind == .permission && open?.kind.rawValue == 77)
    #expect(open?.description.contains("chmod 600 \(realm.keyFile)") == true)
    #expect(unlink(realm.keyFile) == 0)
    #expect(throws: StartError.self) { _ = try start(realm.configure) }
  }

  @Test("a users file that others can change ends the start with code 77, a wrong one with 78")
  func badUsersFile() throws {
    let realm = try Realm()
    #expect(chmod(realm.usersFile, 0o666) == 0)
    #expect(#expect(throws: StartError.self) { _ = try start(realm.configure) }?.kind == .permission)
    try realm.writeFile("{}")
    #expect(#expect(throws: StartError.self) { _ = try start(realm.configure) }?.kind == .configuration)
  }

  @Test("a folder in which anybody could put another socket is refused")
  func openFolder() throws {
    let folder = try TemporaryFolder()
    #expect(chmod(folder.path, 0o777) == 0)
    let error = #expect(throws: StartError.self) { _ = try start { $0.endpoint = "ipc://\(folder.path)/s" } }
    #expect(error?.kind == .permission && error?.description.contains("chmod o-w \(folder.path)") == true)
    // As in /tmp: with the sticky bit only the owner can replace a socket.
    #expect(chmod(folder.path, 0o1777) == 0)
    _ = try start { $0.endpoint = "ipc://\(folder.path)/s" }
  }

  @Test("a folder for recordings that is not there is refused")
  func noRecordings() throws {
    let error = #expect(throws: StartError.self) {
      _ = try start { $0.recordingsFolder = "/none/recordings" }
    }
    #expect(error?.kind == .cannotCreate && error?.description.contains("/none/recordings") == true)
  }

  @Test(
    "on an ipc socket the kernel's word keeps other users of the machine out although the files let them",
    .enabled(if: geteuid() == 0, "becoming another user needs root"))
  func otherUser() async throws {
    let folder = try TemporaryFolder()
    let endpoint = "ipc://\(folder.path)/s"
    let daemon = try start { $0.endpoint = endpoint }
    #expect(chmod(folder.path, 0o755) == 0 && chmod("\(folder.path)/s", 0o777) == 0)
    #expect(try connectionFate(endpoint, identity: nil) == .ready)
    await #expect(processExitsWith: .exitCode(0)) { [endpoint = endpoint as String] in
      guard setuid(65_534) == 0 else { exit(9) }
      let socket = try Socket(Context(), .dealer)
      let monitor = try SocketMonitor(socket)
      try socket.connect(endpoint)
      // It is cut off and tries again, twice at least.
      let events = try (0..<6).map { _ in try monitor.next(milliseconds: 20_000) }
      exit(events.allSatisfy { [.connected, .brokenOff, .disconnected].contains($0) } ? 0 : 8)
    }
    withExtendedLifetime(daemon) {}
  }

  @Test("the executable tells what is wrong with its keys by its exit code")
  func exitCodes() throws {
    let realm = try Realm()
    let arguments = ["--bind", "tcp://0.0.0.0:0", "--curve-key", realm.keyFile, "--users", realm.usersFile]
    #expect(chmod(realm.keyFile, 0o644) == 0)
    let open = try Child("flowd", arguments).end()
    #expect(open.status == 77 && open.errors.contains("chmod 600"))
    let half = try Child("flowd", Array(arguments.dropLast(2))).end()
    #expect(half.status == 78 && half.errors.contains("--users"))
    let plain = try Child("flowd", Array(arguments.prefix(2))).end()
    #expect(plain.status == 78 && plain.errors.contains("--insecure"))
  }

  private func start(_ configure: (inout ServerConfiguration) -> Void) throws -> Daemon {
    var configuration = ServerConfiguration(endpoint: "tcp://127.0.0.1:*")
    configure(&configuration)
    return try Daemon(
      configuration: configuration, catalogue: TestCatalogue(),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }
}
