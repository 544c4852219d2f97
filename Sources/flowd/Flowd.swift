// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
internal import FlowGeneration
internal import FlowServer
public import FlowTensor
internal import Glibc
internal import Logging

/// The daemon's command line.
struct Flowd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flowd",
    abstract: "Generates video and points on manifolds, and streams them over ZeroMQ.",
    discussion: """
      Stops cleanly at SIGTERM or SIGINT: streams end with reason "drained"; a second signal stops at once. SIGHUP \
      has the users file read again.

      Exit codes: 0 clean stop, 1 stopped at once, 2 usage, 65 a broken bundle (--check), 69 cannot listen, \
      73 cannot make the socket's file, 75 another daemon listens there, 77 a key or users file cannot be read or can \
      be by others, 78 the configuration is not allowed.
      """,
    version: "flowd 0.1.0")

  @Option(
    help: """
      Where to listen, ipc://PATH or tcp://ADDRESS:PORT; beyond this machine with --curve-key only (default: $FLOWD_ENDPOINT, else flowd/flowd.sock in \
      $XDG_RUNTIME_DIR or /run).
      """)
  var bind: String?

  @Option(help: "The folder whose subfolders are the video models.")
  var models = "models"

  @Option(help: "The folder whose subfolders are the flow maps on manifolds.")
  var manifolds = "manifolds"

  @Option(
    help: "How weights and caches are stored: float32, bfloat16 or int8 (default: what each bundle says).")
  var precision: InferencePrecision?

  @Option(help: "The most streams at a time.")
  var maxSessions = 2

  @Option(help: "Seconds without credit after which a stream ends.")
  var idleTimeout = 60.0

  @Option(
    help: "The file of this server's secret key, made with flowctl keys; clients then need keys as well.")
  var curveKey: String?

  @Option(
    help: "The file that lists who may connect, with their public keys and limits; see docs/threat-model.md.")
  var users: String?

  @Flag(help: "Serve tcp beyond this machine without keys: anybody there can read and use it.")
  var insecure = false

  @Option(help: "The folder in which clients may have their streams recorded (default: none).")
  var recordings: String?

  @Option(help: "Log lines from this level on: debug, info, warning, error.")
  var logLevel = "info"

  @Flag(help: "Load every model, read the keys and users, say what is wrong, and exit.")
  var check = false

  @Flag(help: "Print the configuration and where each value comes from, and exit.")
  var printConfig = false

  func validate() throws {
    guard Logger.Level(rawValue: logLevel) != nil else {
      throw ValidationError("--log-level is \(logLevel); give debug, info, warning or error")
    }
    guard (1...1000).contains(maxSessions) else {
      throw ValidationError("--max-sessions is \(maxSessions); give a value from 1 to 1000")
    }
    guard idleTimeout > 0, idleTimeout <= 86_400 else {
      throw ValidationError("--idle-timeout is \(idleTimeout); give seconds from above 0 to 86400")
    }
  }

  func run() throws {
    if printConfig { return printConfiguration() }
    let catalogue = catalogue
    if check { throw ExitCode(checkFiles() ?? checkModels(catalogue)) }
    let status = DaemonProcess.run(configuration: resolved, catalogue: catalogue, logger: logger) {
      endpoint in
      say("flowd is ready at \(endpoint)")
    }
    throw ExitCode(status)
  }

  private var catalogue: ModelDirectories {
    ModelDirectories([
      ModelDirectory(models, manifest: VideoBundle.manifestName) { [precision] folder in
        .video(try VideoBundle.describe(folder: folder, precision: precision))
      } load: { [precision] folder in
        .video(try CausalVideoModel(folder: folder, precision: precision))
      },
      ModelDirectory(manifolds, manifest: ManifoldBundle.manifestName) { [precision] folder in
        .manifold(try ManifoldBundle.describe(folder: folder, precision: precision))
      } load: { [precision] folder in
        .manifold(try FlowMapModel(folder: folder, precision: precision))
      },
    ])
  }

  private var logger: Logger {
    let isTerminal = isatty(STDERR_FILENO) == 1
    var logger = Logger(label: "flowd") { label in
      if isTerminal { StreamLogHandler.standardError(label: label) } else { JSONLogHandler(label: label) }
    }
    logger.logLevel = Logger.Level(rawValue: logLevel) ?? .info
    return logger
  }
}

extension InferencePrecision: ExpressibleByArgument {}

/// Prints a line at once, also into a pipe.
func say(_ line: String) {
  print(line)
  fflush(nil)
}
