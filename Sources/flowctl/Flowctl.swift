// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowClient
internal import Glibc

/// The command line, its entry point and its exit statuses.
@main
struct Flowctl: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flowctl",
    abstract: "Asks a flowd daemon for generated video and for points on manifolds.",
    discussion: """
      Exit status: 0 done, 1 the server broke the protocol, 2 wrong usage, 3 server unreachable, \
      4 server refused, 5 the stream broke before its end, 73 output cannot be written, \
      130 interrupted.
      """,
    version: "flowctl 0.1.0",
    subcommands: [
      GenerateVideo.self, GenerateManifold.self, Replay.self, Models.self, Load.self, Unload.self,
      Status.self, Keys.self,
    ])

  static func main() {
    Interruption.install()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as ClientError {
      printError("flowctl: \(error.message)")
      Glibc.exit(error.exitStatus)
    } catch {
      leave(error)
    }
  }

  /// Prints what the parser has to say: help to standard output, complaints to standard error.
  private static func leave(_ error: any Error) -> Never {
    let message = fullMessage(for: error)
    if exitCode(for: error) == .success {
      print(message)
      Glibc.exit(0)
    }
    printError(message)
    Glibc.exit(ClientError.Kind.usage.rawValue)
  }
}

/// Prints to standard error, unbuffered; what cannot be written there has no better place.
func printError(_ text: String, terminator: String = "\n") {
  let bytes = Array((text + terminator).utf8)
  _ = write(STDERR_FILENO, bytes, bytes.count)
}
