// SPDX-License-Identifier: Apache-2.0

import FlowTestSupport
import FlowWire
import FoundationEssentials
import Glibc
import Testing

/// The real daemon with a real, tiny model of 64×48 called "tiny" and flow maps called after what they make, and the real
/// client.
final class Stage {
  let endpoint: String
  let flowd: Child
  private let folder: TemporaryFolder

  /// Starts a daemon and waits until it is ready.
  init() throws {
    folder = try TemporaryFolder()
    endpoint = "ipc://\(folder.path)/s"
    try writeTinyBundle("tiny", in: "\(folder.path)/models", height: 48, width: 64)
    for (name, geometry) in [
      ("globe", "sphere(2)"), ("angles", "torus(7)"), ("turns", "so(3)"), ("plane", "poincare(2)"),
    ] {
      try writeTinyManifold(name, in: "\(folder.path)/manifolds", geometry: geometry)
    }
    flowd = try Child(
      "flowd",
      ["--models", "\(folder.path)/models", "--manifolds", "\(folder.path)/manifolds", "--bind", endpoint])
    try #require(flowd.readLine() == "flowd is ready at \(endpoint)")
  }

  /// The path of a file in the test's own folder.
  func file(_ name: String) -> String { "\(folder.path)/\(name)" }

  /// The bytes of a file in the test's own folder; nil if there is none.
  func contents(_ name: String) -> [UInt8]? {
    FileManager.default.contents(atPath: file(name)).map(Array.init)
  }

  /// Runs the client to its end.
  func flowctl(_ words: [String]) throws -> Child.Ending {
    try Child("flowctl", words + ["--connect", endpoint]).end()
  }

  /// Starts `flowctl generate-video` with "tiny".
  ///
  /// - Parameters:
  ///   - options: separated by spaces.
  ///   - output: a path, or - for the pipe.
  func start(_ options: String, output: String) throws -> Child {
    try Child("flowctl", words(options, output))
  }

  /// The same to its end.
  func generate(_ options: String, output: String) throws -> Child.Ending {
    try start(options, output: output).end()
  }

  /// The same by a shell, which does `before` first and redirects the client's output by `after`.
  func generateInShell(
    _ options: String, output: String, before: String = ":", after: String = ""
  ) throws -> Child.Ending {
    let command = "\(before); '\(Child.path(of: "flowctl"))' \"$@\" \(after)"
    return try Child("/bin/sh", ["-c", command, "sh"] + words(options, output)).end()
  }

  private func words(_ options: String, _ output: String) -> [String] {
    ["generate-video", "--model", "tiny", "--json", "-o", output, "--connect", endpoint]
      + options.split(separator: " ").map(String.init)
  }

  /// What the daemon says of itself.
  func status() throws -> ServerStatus {
    let ending = try flowctl(["status", "--json"])
    try #require(ending.status == 0, "\(ending.errors)")
    let reply = try ReplyMessage(header: Array(ending.text.utf8)).reply
    guard case .status(let status) = reply else { throw Unexpected(reply: reply) }
    return status
  }

  /// Asks for the status until it is as wanted.
  func awaitStatus(_ isWanted: (ServerStatus) -> Bool) throws {
    let start = ContinuousClock.now
    while !isWanted(try status()) {
      try #require(start.duration(to: .now) < .seconds(30), "the status did not become what was expected")
    }
  }

  /// Whatever happened: the daemon has no sessions left, makes a video, and ends with status 0 when it is told to.
  func close() throws {
    try awaitStatus { $0.sessions.isEmpty }
    #expect(try generate("--frames 2 --format rgb24", output: "-").status == 0)
    flowd.signal(SIGTERM)
    let ending = flowd.end()
    #expect(ending.status == 0, "\(ending.errors)")
  }
}

/// A reply came that the test does not want.
struct Unexpected: Error {
  let reply: Reply
}
