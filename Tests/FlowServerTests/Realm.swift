// SPDX-License-Identifier: Apache-2.0

import FlowServer
import FlowTestSupport
import FlowWire
import FlowZeroMQ
import FoundationEssentials
import Glibc
import Logging
import Testing

/// A daemon's keys, users and their files.
struct Realm {
  let folder: TemporaryFolder
  let server: CurveKeyPair
  var keyFile: String { "\(folder.path)/server.secret" }
  var usersFile: String { "\(folder.path)/users.json" }

  /// A realm without users.
  init() throws {
    folder = try TemporaryFolder()
    server = try CurveKeyPair()
    try CurveKeyFile.write(server, name: "\(folder.path)/server")
    try write("[]")
  }

  /// Writes the users file with this list in it.
  func write(_ users: String) throws { try writeFile(#"{"users": \#(users)}"#) }

  /// Writes the users file.
  func writeFile(_ text: String) throws {
    try text.write(toFile: usersFile, atomically: true, encoding: .utf8)
    #expect(chmod(usersFile, 0o600) == 0)
  }

  /// Points a configuration to the files.
  func configure(_ configuration: inout ServerConfiguration) {
    configuration.curveKeyFile = keyFile
    configuration.usersFile = usersFile
  }

  /// A daemon of the realm.
  func daemon(_ configure: (inout ServerConfiguration) -> Void = { _ in }) throws -> Daemon {
    var configuration = ServerConfiguration(endpoint: "tcp://127.0.0.1:*")
    configuration.maximumSessions = 10
    self.configure(&configuration)
    configure(&configuration)
    return try Daemon(
      configuration: configuration, catalogue: TestCatalogue(),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  /// A client with a key, and perhaps a name for its socket.
  func connect(
    _ daemon: Daemon, as pair: CurveKeyPair, name: String? = nil, patience: Int32 = 20_000
  ) throws -> TestClient {
    try TestClient(daemon.endpoint, identity: (pair, server.publicKey), name: name, patience: patience)
  }

  /// What becomes of the connection of a client once it has reached the socket.
  func fate(_ daemon: Daemon, as pair: CurveKeyPair?) throws -> ConnectionEvent? {
    try connectionFate(daemon.endpoint, identity: pair.map { ($0, server.publicKey) })
  }
}

/// One entry of a users file.
func entry(_ name: String, _ pair: CurveKeyPair, _ rest: String = "") -> String {
  #"{"name": "\#(name)", "key": "\#(pair.publicKey.text)"\#(rest.isEmpty ? "" : ", \(rest)")}"#
}

/// What becomes of a connection within 20 seconds; nil if nothing but being cut off.
///
/// Two sides that do not agree both hang up, and the one that is second learns nothing: libzmq tries again.
func connectionFate(
  _ endpoint: String, identity: (pair: CurveKeyPair, serverKey: CurvePublicKey)?
) throws -> ConnectionEvent? {
  let socket = try Socket(Context(), .dealer)
  if let identity { try socket.useCurve(identity.pair, serverKey: identity.serverKey) }
  let monitor = try SocketMonitor(socket)
  try socket.connect(endpoint)
  #expect(try monitor.next(milliseconds: 20_000) == .connected)
  let start = ContinuousClock.now
  while start.duration(to: .now) < .seconds(20) {
    guard let event = try monitor.next(milliseconds: 20_000) else { return nil }
    if ![.connected, .brokenOff, .disconnected].contains(event) { return event }
  }
  return nil
}
