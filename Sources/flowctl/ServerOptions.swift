// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
public import FlowClient
internal import Glibc

/// The options of every command that talks to a server.
struct ServerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where flowd is: ipc://PATH or tcp://HOST:PORT.",
      discussion: "Without it FLOWD_ENDPOINT, else ipc://$XDG_RUNTIME_DIR/flowd/flowd.sock, else "
        + "ipc:///run/flowd/flowd.sock.", valueName: "endpoint"))
  var connect: String?

  @Option(
    help: ArgumentHelp(
      "The server's public key, or a file that holds it.",
      discussion: "Without it FLOWD_SERVER_KEY; with neither the connection is not encrypted.",
      valueName: "key"))
  var serverKey: String?

  @Option(
    help: ArgumentHelp(
      "The file of your secret key, made with flowctl keys.", discussion: "Without it FLOWD_KEY_FILE.",
      valueName: "file"))
  var keyFile: String?

  @Option(help: "How long to wait for a sign of the server.")
  var timeout = Seconds(5)

  /// Connects and greets.
  func client() throws -> Client {
    let names = [
      "FLOWD_ENDPOINT", "XDG_RUNTIME_DIR", ClientIdentity.serverKeyVariable, ClientIdentity.keyFileVariable,
    ]
    let pairs = names.compactMap { name in getenv(name).map { (name, String(cString: $0)) } }
    let environment = Dictionary(uniqueKeysWithValues: pairs)
    let endpoint = try Endpoint.resolve(option: connect, environment: environment)
    let identity = try ClientIdentity.resolve(
      serverKey: serverKey, keyFile: keyFile, environment: environment)
    return try Client.connect(to: endpoint, as: identity, timeout: .seconds(timeout.value))
  }
}

/// A positive number of seconds, at most a year.
struct Seconds: ExpressibleByArgument, CustomStringConvertible {
  let value: Double

  init(_ value: Double) { self.value = value }

  init?(argument: String) {
    guard let value = Double(argument), value > 0, value <= 365 * 86_400 else { return nil }
    self.value = value
  }

  var description: String { fixed(value, digits: value == value.rounded() ? 0 : 3) }
}

/// Frames a second, as `35`, `11.7` or `35/3`.
struct FramesPerSecond: ExpressibleByArgument {
  let value: Double

  init?(argument: String) {
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map { Double($0) }
    guard let numerator = parts[0], parts.count <= 2 else { return nil }
    guard let denominator = parts.count == 2 ? parts[1] : 1, denominator > 0 else { return nil }
    value = numerator / denominator
    guard value > 0, value <= 1000 else { return nil }
  }
}

extension OutputFormat: ExpressibleByArgument {}
