// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowServer
internal import Glibc

/// Runs the command line; what is wrong with it is exit code 2, everything else as ``Flowd`` says.
@main
enum Main {
  static func main() {
    do {
      let (flags, rest) = try SettingFlags.split(CommandLine.arguments.dropFirst())
      exit(try Flowd.parse(rest).run(flags))
    } catch let error as SettingsError {
      complain("flowd: \(error)")
      exit(error.exitCode)
    } catch {
      if Flowd.exitCode(for: error) == .validationFailure {
        complain(Flowd.fullMessage(for: error))
        exit(2)
      }
      Flowd.exit(withError: error)
    }
  }
}
