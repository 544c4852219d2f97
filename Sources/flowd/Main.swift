// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Glibc

/// Runs the command line; what is wrong with it is exit code 2, everything else as ``Flowd`` says.
@main
enum Main {
  static func main() {
    do {
      try Flowd.parse().run()
    } catch {
      if Flowd.exitCode(for: error) == .validationFailure { refuse(Flowd.fullMessage(for: error)) }
      Flowd.exit(withError: error)
    }
  }

  private static func refuse(_ message: String) -> Never {
    var line = message + "\n"
    _ = line.withUTF8 { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    exit(2)
  }
}
