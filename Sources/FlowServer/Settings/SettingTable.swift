// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor
internal import Logging

extension Setting {
  /// Every setting; a new one is a row here, and a row in docs/operations.md.
  static let all: [Setting] = [
    Setting(
      "bind", "ipc://$XDG_RUNTIME_DIR/flowd/flowd.sock", .start, .text("ENDPOINT", \.server.endpoint),
      "Where to listen: ipc://PATH or tcp://ADDRESS:PORT, beyond this machine with curve-key only."),
    Setting(
      "models", "models", .start, .text("FOLDER", \.models),
      "The folder whose subfolders are the video models."),
    Setting(
      "manifolds", "manifolds", .start, .text("FOLDER", \.manifolds),
      "The folder whose subfolders are the flow maps on manifolds."),
    Setting(
      "precision", "bundle", .start, .choice(precisions, \.precision),
      "How weights and caches are stored; bundle is what each bundle says."),
    Setting(
      "max-sessions", "2", .reload, .integer(1...1000, \.server.maximumSessions),
      "The most streams at a time."),
    Setting(
      "max-queue", "16", .reload, .integer(0...10_000, \.server.maximumQueue),
      "The most requests that wait for a stream to end."),
    Setting(
      "idle-timeout", "60", .reload, .seconds(to: 86_400, \.server.idleTimeout),
      "How long a stream may be without credit."),
    Setting(
      "lease", "10", .reload, .seconds(to: 86_400, \.server.lease),
      "How long a stream outlives the connection of its client."),
    Setting(
      "drain-timeout", "2", .reload, .seconds(from: 0, to: 3600, \.server.drainTimeout),
      "How long streams may take to end at SIGTERM."),
    Setting(
      "kv-budget", "half", .reload, .bytes(\.server.cacheBudget),
      "The most bytes that the caches of all streams may take."),
    Setting(
      "model-memory", "none", .reload, .bytes(\.server.modelMemory),
      "The most bytes that loaded models may take."),
    Setting(
      "preload", "all", .reload, .preload(\.server.preload),
      "The models to load before anybody asks: all, none, or names with commas between them."),
    Setting(
      "compute-timeout", "120", .reload, .seconds(from: 1, to: 86_400, \.server.computeTimeout),
      "How long a frame or a model's loading may take before the daemon counts as stuck."),
    Setting(
      "http", "off", .start, .loopback(\.server.httpAddress),
      "Where to tell health and metrics over HTTP: 127.0.0.1:PORT, [::1]:PORT or off."),
    Setting(
      "curve-key", "none", .start, .optional("FILE", \.server.curveKeyFile),
      "The file of this server's secret key, made with flowctl keys; clients then need keys as well."),
    Setting(
      "users", "none", .start, .optional("FILE", \.server.usersFile),
      "The file that lists who may connect, with their public keys and limits; SIGHUP has it read again."),
    Setting(
      "insecure", "false", .start, .truth(\.server.isInsecure),
      "Whether tcp is served beyond this machine without keys: anybody there can read and use it."),
    Setting(
      "recordings", "none", .start, .optional("FOLDER", \.server.recordingsFolder),
      "The folder in which clients may have their streams recorded."),
    Setting(
      "observers", "none", .start, .optional("ENDPOINT", \.server.observers),
      "Where streams whose clients allow it can be watched by others; the rules are those of bind."),
    Setting(
      "log-level", "info", .reload, .choice(levels, \.logLevel), "The least that is logged."),
    Setting(
      "log-format", "auto", .start, .choice(formats, \.logFormat),
      "How it is logged; auto is text on a terminal and json otherwise."),
    Setting(
      "log-prompts", "false", .reload, .truth(\.server.logsPrompts),
      "Whether what clients ask for in words may be logged."),
  ]

  private static let levels = Logger.Level.allCases.map { (word: $0.rawValue, value: $0) }
  private static let formats = DaemonSettings.LogFormat.allCases.map { (word: $0.rawValue, value: $0) }
  private static let precisions: [(word: String, value: InferencePrecision?)] =
    [("bundle", nil)] + InferencePrecision.allCases.map { ($0.rawValue, $0) }
}

/// What the command line says of the settings.
public enum SettingFlags {
  /// Every flag, its default, and what it decides.
  public static var help: String {
    Setting.all.map { setting in
      let value = setting.reader.isSwitch ? "" : " \(setting.reader.placeholder)"
      return "  --\(setting.key)\(value) (default: \(setting.standard))\n      \(setting.help)"
    }.joined(separator: "\n")
  }

  /// Takes the settings out of a command line.
  ///
  /// - Returns: the values by key, and the words that are none of them.
  public static func split(
    _ words: some Collection<String>
  ) throws(SettingsError) -> (values: [String: String], rest: [String]) {
    var values: [String: String] = [:]
    var rest: [String] = []
    var words = words[...]
    while let word = words.popFirst() {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard word.hasPrefix("--"), let setting = Setting.all.first(where: { "--\($0.key)" == parts[0] }) else {
        rest.append(word)
        continue
      }
      if parts.count > 1 {
        values[setting.key] = String(parts[1])
      } else if setting.reader.isSwitch {
        values[setting.key] = "true"
      } else if let value = words.popFirst(), !value.hasPrefix("--") {
        values[setting.key] = value
      } else {
        throw SettingsError(
          "--\(setting.key) has no value; give --\(setting.key) \(setting.reader.placeholder)", isUsage: true)
      }
    }
    return (values, rest)
  }
}
