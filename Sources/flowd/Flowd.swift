// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowGeneration
internal import FlowServer
internal import FoundationEssentials
internal import Glibc
internal import Logging

/// The daemon's command line, without the settings, which ``SettingFlags`` takes out of it.
struct Flowd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flowd",
    abstract: "Generates video and points on manifolds, and streams them over ZeroMQ.",
    usage: "flowd [--config FILE] [--SETTING VALUE ...] [--check] [--print-config]",
    discussion: """
      Stops cleanly at SIGTERM or SIGINT: streams end with reason "drained"; a second signal stops at once. SIGHUP \
      reads the configuration and the users file again, SIGUSR1 writes the status to the log.

      SETTINGS (also keys of the file and, with FLOWD_ before them, variables; FLOWD_ENDPOINT is that of bind):
      \(SettingFlags.help)

      Exit codes: 0 clean stop, 1 stopped at once, 2 usage, 65 a broken bundle (--check), 69 cannot listen, \
      73 cannot make the socket's file, 75 another daemon listens there, 77 a key or users file cannot be read or can \
      be by others, 78 the configuration is not allowed.
      """,
    version: "flowd \(ServerConfiguration(endpoint: "").version)")

  @Option(
    help:
      "The configuration file (default: $FLOWD_CONFIG, else \(SettingsLoader.standardFile) if it is there).")
  var config: String?

  @Flag(help: "Check the configuration, load every model, say what is wrong, and exit.")
  var check = false

  @Flag(help: "Print every setting and where its value comes from, and exit.")
  var printConfig = false

  /// Does what the command line says; `flags` are the settings that were in it.
  func run(_ flags: [String: String]) -> Int32 {
    let loader = SettingsLoader(
      flags: flags, environment: ProcessInfo.processInfo.environment, file: config)
    do throws(SettingsError) {
      let loaded = try loader.load()
      if printConfig {
        printConfiguration(loaded)
        return 0
      }
      let catalogue = loaded.settings.catalogue
      try loaded.settings.checkPreload(among: catalogue.names())
      if check { return checkFiles(loaded.settings.server) ?? checkModels(catalogue) }
      return serve(loaded, loader, catalogue)
    } catch {
      complain("flowd: \(error)")
      return error.exitCode
    }
  }

  private func serve(
    _ loaded: LoadedSettings, _ loader: SettingsLoader, _ catalogue: ModelDirectories
  ) -> Int32 {
    let governor = LogGovernor(level: loaded.settings.logLevel)
    let logger = makeLogger(loaded.settings.logFormat, governor)
    for warning in loaded.warnings { logger.warning("\(warning)") }
    let live = LiveSettings(loaded, loader: loader, catalogue: catalogue, governor: governor)
    do throws(StartError) {
      let supervisor = try Supervisor(environment: ProcessInfo.processInfo.environment)
      return DaemonProcess.run(
        configuration: live.server, catalogue: catalogue, logger: logger, supervisor: supervisor,
        settings: live
      ) { endpoint in say("flowd is ready at \(endpoint)") }
    } catch {
      complain("flowd: \(error)")
      return error.kind.rawValue
    }
  }
}

/// A log on standard error.
private func makeLogger(_ format: DaemonSettings.LogFormat, _ governor: LogGovernor) -> Logger {
  let isText = format == .text || format == .auto && isatty(STDERR_FILENO) == 1
  return Logger(label: "flowd") { label in
    let base: any LogHandler =
      isText ? StreamLogHandler.standardError(label: label) : JSONLogHandler(label: label)
    return GovernedLogHandler(base, governor)
  }
}
