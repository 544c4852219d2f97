// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import FlowTestSupport
import FoundationEssentials
import Glibc
import Logging
import Testing

@testable import FlowServer

@Suite("Settings and where they come from")
struct SettingsTests {
  /// Loads settings from a file of that text, variables and flags.
  private func load(
    file: String? = "", _ environment: [String: String] = [:], _ flags: [String: String] = [:]
  ) throws -> LoadedSettings {
    let folder = try TemporaryFolder()
    let path = file.map { _ in "\(folder.path)/flowd.yaml" }
    if let file, let path { try file.write(toFile: path, atomically: true, encoding: .utf8) }
    return try SettingsLoader(flags: flags, environment: environment, file: path).load()
  }

  private func fault(
    file: String? = "", _ environment: [String: String] = [:], _ flags: [String: String] = [:]
  ) throws -> SettingsError {
    try #require(throws: SettingsError.self) { _ = try load(file: file, environment, flags) }
  }

  @Test("the table's defaults are those of the configuration")
  func defaults() throws {
    let loaded = try load(["XDG_RUNTIME_DIR": "/run/user/7"])
    #expect(loaded.settings == DaemonSettings(endpoint: "ipc:///run/user/7/flowd/flowd.sock"))
    #expect(loaded.values.map(\.key) == Setting.all.map(\.key))
    #expect(loaded.values.allSatisfy { $0.source == "default" })
    #expect(try load().settings.server.endpoint == "ipc:///run/flowd/flowd.sock")
  }

  @Test(
    "a flag goes before a variable, that before the file, and that before the default",
    arguments: [
      (nil, nil, nil, 2, "default"), ("3", nil, nil, 3, "file"), (nil, "4", nil, 4, "FLOWD_MAX_SESSIONS"),
      (nil, nil, "5", 5, "--max-sessions"), ("3", "4", nil, 4, "FLOWD_MAX_SESSIONS"),
      ("3", nil, "5", 5, "--max-sessions"), (nil, "4", "5", 5, "--max-sessions"),
      ("3", "4", "5", 5, "--max-sessions"), ("3", "", nil, 3, "file"),
    ] as [(String?, String?, String?, Int, String)])
  func precedence(file: String?, variable: String?, flag: String?, value: Int, source: String) throws {
    let loaded = try load(
      file: file.map { "max-sessions: \($0)\n" } ?? "# nothing\n",
      variable.map { ["FLOWD_MAX_SESSIONS": $0] } ?? [:], flag.map { ["max-sessions": $0] } ?? [:])
    #expect(loaded.settings.server.maximumSessions == value)
    let found = try #require(loaded.values.first { $0.key == "max-sessions" })
    #expect(found.text == "\(value)")
    #expect(source == "file" ? found.source.hasSuffix("/flowd.yaml") : found.source == source)
  }

  @Test("every setting can be given in a file, as a variable and as a flag")
  func everySetting() throws {
    let values = [
      "bind": "ipc:///x", "models": "m", "manifolds": "n", "precision": "int8", "max-sessions": "9",
      "max-queue": "0", "idle-timeout": "1.5", "lease": "2", "drain-timeout": "0", "kv-budget": "512M",
      "model-memory": "2G", "preload": "a, b", "compute-timeout": "7", "http": "[::1]:9464",
      "curve-key": "k", "users": "u", "insecure": "true", "recordings": "r", "observers": "o",
      "log-level": "debug", "log-format": "json", "log-prompts": "true",
    ]
    var wanted = DaemonSettings(endpoint: "ipc:///x")
    wanted.models = "m"
    wanted.manifolds = "n"
    wanted.precision = .int8
    wanted.server.maximumSessions = 9
    wanted.server.maximumQueue = 0
    wanted.server.idleTimeout = .seconds(1.5)
    wanted.server.lease = .seconds(2)
    wanted.server.drainTimeout = .zero
    wanted.server.cacheBudget = 512 << 20
    wanted.server.modelMemory = 2 << 30
    wanted.server.preload = .names(["a", "b"])
    wanted.server.computeTimeout = .seconds(7)
    wanted.server.httpAddress = "[::1]:9464"
    wanted.server.curveKeyFile = "k"
    wanted.server.usersFile = "u"
    wanted.server.isInsecure = true
    wanted.server.recordingsFolder = "r"
    wanted.server.observers = "o"
    wanted.logLevel = .debug
    wanted.logFormat = .json
    wanted.server.logsPrompts = true
    #expect(Set(values.keys) == Set(Setting.all.map(\.key)), "a setting without a case of this test")
    let lines = values.map { "\($0.key): \"\($0.value)\"\n" }.joined()
    #expect(try load(file: lines).settings == wanted)
    let variables = Setting.all.map { ($0.variable, values[$0.key] ?? "") }
    #expect(try load(Dictionary(uniqueKeysWithValues: variables)).settings == wanted)
    #expect(try load([:], values).settings == wanted)
    let words = values.flatMap { ["--\($0.key)=\($0.value)"] }
    #expect(try SettingFlags.split(words).values == values)
  }

  @Test(
    "a value that is not possible is refused with its key, its source and the remedy",
    arguments: [
      ("bind", "", "give a endpoint"), ("models", "", "give a folder"), ("manifolds", "", "give a folder"),
      ("precision", "int4", "bfloat16 or int8"), ("max-sessions", "0", "from 1 to 1000"),
      ("max-sessions", "many", "whole number"), ("max-queue", "-1", "from 0 to 10000"),
      ("idle-timeout", "0", "give seconds"), ("idle-timeout", "nan", "give seconds"),
      ("lease", "soon", "give seconds"), ("drain-timeout", "-0.5", "give seconds"),
      ("kv-budget", "0", "512M or 4G"), ("kv-budget", "9999999999G", "512M or 4G"),
      ("model-memory", "lots", "half (of the memory), or none"), ("preload", "a,,b", "with a comma"),
      ("preload", "", "with a comma"), ("compute-timeout", "0.5", "from 1.0 to 86400"),
      ("http", "0.0.0.0:80", "127.0.0.1:PORT"), ("http", "127.0.0.1", "127.0.0.1:PORT"),
      ("http", "127.0.0.1:70000", "127.0.0.1:PORT"), ("log-level", "loud", "trace, debug"),
      ("log-format", "xml", "text or json"), ("log-prompts", "yes", "true or false"),
    ])
  func badValues(key: String, value: String, remedy: String) throws {
    let inFile = try fault(file: "\(key): \"\(value)\"\n")
    #expect(inFile.description.hasPrefix("\(key) is \"\(value)\" (/tmp/"))
    #expect(inFile.description.contains(remedy) && inFile.exitCode == 78)
    let flagged = try fault([:], [key: value])
    #expect(flagged.description.hasPrefix("\(key) is \"\(value)\" (--\(key)); "))
    #expect(flagged.description.contains(remedy) && flagged.exitCode == 2)
    guard !value.isEmpty, let setting = Setting.all.first(where: { $0.key == key }) else { return }
    let inVariable = try fault([setting.variable: value])
    #expect(inVariable.description.contains("(\(setting.variable)); ") && inVariable.exitCode == 78)
  }

  @Test(
    "a file that is not understood as a whole is refused",
    arguments: [
      ("max-sesions: 3\n", ["line 1", "\"max-sesions\"", "the nearest: max-sessions"]),
      ("lease: 3\nidle_timeout: 3\n", ["line 2", "\"idle_timeout\"", "idle-timeout"]),
      ("Lease: 3\n", ["\"Lease\"", "the nearest: lease"]),
      ("qqqqqqqq: 3\n", ["\"qqqqqqqq\"", "there are bind, compute-timeout"]),
      ("lease: 3\nlease: 4\n", ["lease"]), ("preload: [a, b]\n", ["preload", "one text with commas"]),
      ("limits:\n  lease: 3\n", ["\"limits\""]), ("max-sessions\n", ["max-sessions: 2"]),
      ("lease: [3\n", ["is not YAML"]),
    ])
  func badFiles(text: String, words: [String]) throws {
    let error = try fault(file: text)
    for word in words { #expect(error.description.contains(word), "\(error)") }
    #expect(error.exitCode == 78 && error.description.contains("/flowd.yaml"))
  }

  @Test("a file that is named must be there, and may be JSON")
  func files() throws {
    let missing = #expect(throws: SettingsError.self) {
      _ = try SettingsLoader(flags: [:], environment: ["FLOWD_CONFIG": "/no/such/file"], file: nil).load()
    }
    #expect(missing?.description.contains("/no/such/file") == true && missing?.exitCode == 78)
    #expect(try load(file: #"{"lease": 4, "preload": "none"}"#).settings.server.lease == .seconds(4))
    #expect(try load(file: "preload: none\n").settings.server.preload == .names([]))
  }

  @Test("a variable that looks like ours and is not read is told")
  func strangeVariables() throws {
    let warnings = try load(["FLOWD_LEESE": "3", "FLOWD_CONFIG": "", "FLOWD_LEASE": "3"]).warnings
    #expect(warnings == ["the variable FLOWD_LEESE is not read; the nearest: FLOWD_LEASE"])
  }

  @Test("flags are taken out of a command line, and what is none is left")
  func flags() throws {
    let (values, rest) = try SettingFlags.split([
      "--check", "--lease", "3", "--log-prompts", "--lease=4", "--config", "x", "--max-sesions", "2",
    ])
    #expect(values == ["lease": "4", "log-prompts": "true"])
    #expect(rest == ["--check", "--config", "x", "--max-sesions", "2"])
    for words in [["--lease"], ["--lease", "--check"]] {
      let error = #expect(throws: SettingsError.self) { try SettingFlags.split(words) }
      #expect(error?.description.contains("--lease has no value") == true && error?.exitCode == 2)
    }
  }

  @Test("a model that shall be loaded at the start must be there")
  func preload() throws {
    let settings = try load([:], ["preload": "dom"]).settings
    let error = #expect(throws: SettingsError.self) { try settings.checkPreload(among: ["doom", "fire"]) }
    #expect(error?.description.contains("\"dom\"") == true && error?.description.contains("doom") == true)
    #expect(throws: Never.self) { try settings.checkPreload(among: ["dom"]) }
  }

  @Test("the page on operations has a row for every setting, with its variable and its default")
  func page() throws {
    let root = #filePath.components(separatedBy: "/Tests/")[0]
    let page = try String(contentsOfFile: "\(root)/docs/operations.md", encoding: .utf8)
    for setting in Setting.all {
      let row = "| `\(setting.key)` | `\(setting.variable)` | `\(setting.standard)` |"
      #expect(page.contains(row), "no row \(row)")
    }
  }
}
