// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Glibc

/// Runs the command line; what is wrong with it is exit code 2, everything else as ``Flowd`` says.
@main
enum Main {
  static func main() {
    do {
      try Flowd.parse().run()
    } catch  where Flowd.exitCode(for: error) == .validationFailure {
      var message = Flowd.fullMessage(for: error) + "\n"
      _ = message.withUTF8 { write(STDERR_FILENO, $0.baseAddress, $0.count) }
      exit(2)
    } catch {
      Flowd.exit(withError: error)
    }
  }
}
