// SPDX-License-Identifier: Apache-2.0

internal import Configuration
internal import Synchronization

/// Where settings come from; asked again at SIGHUP.
///
/// Built-in values give way to those of the file, these to the environment, and these to the command line.
public struct SettingsLoader: Sendable {
  /// The file that is read if none is named.
  public static let standardFile = "/etc/flowd/flowd.yaml"

  private let flags: [String: String]
  private let environment: [String: String]
  private let file: String?

  /// Sources.
  ///
  /// - Parameters:
  ///   - flags: what the command line says, by key.
  ///   - environment: all variables.
  ///   - file: the file that the command line names; otherwise `FLOWD_CONFIG` may name one.
  public init(flags: [String: String], environment: [String: String], file: String?) {
    self.flags = flags
    self.environment = environment
    self.file = file ?? environment["FLOWD_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Reads everything.
  ///
  /// - Throws: an error that names the first key that is wrong, its source and the remedy.
  public func load() throws(SettingsError) -> LoadedSettings {
    let sources = try sources()
    let asked = ProvidersAsked()
    let reader = ConfigReader(providers: sources.map(\.provider), accessReporter: asked)
    var settings = DaemonSettings(endpoint: "")
    var values: [LoadedSettings.Value] = []
    for setting in Setting.all {
      let text: String
      do {
        text = try reader.requiredString(forKey: ConfigKey([setting.key]))
      } catch {
        throw SettingsError("\(setting.key) cannot be read: \(error)")
      }
      let value = LoadedSettings.Value(
        key: setting.key, text: text, source: sources[asked.count - 1].name(setting))
      try apply(setting, value, to: &settings)
      values.append(value)
    }
    return LoadedSettings(settings: settings, values: values, warnings: warnings)
  }

  private func apply(
    _ setting: Setting, _ value: LoadedSettings.Value, to settings: inout DaemonSettings
  ) throws(SettingsError) {
    do throws(SettingFault) {
      try setting.reader.apply(value.text, &settings)
    } catch {
      throw SettingsError(
        "\(setting.key) is \"\(value.text)\" (\(value.source)); \(error.remedy)",
        isUsage: flags[setting.key] != nil)
    }
  }

  // MARK: - Sources

  /// Where values come from, and what that is called for a setting.
  private struct Source {
    let provider: any ConfigProvider
    let name: (Setting) -> String
  }

  /// All sources, the first having the last word.
  private func sources() throws(SettingsError) -> [Source] {
    var sources = [
      Source(provider: memory(flags)) { "--\($0.key)" },
      Source(provider: EnvironmentVariablesProvider(environmentVariables: variables)) { $0.variable },
    ]
    if let contents = try SettingsFile.read(file ?? Self.standardFile, isOptional: file == nil) {
      sources.append(Source(provider: contents) { _ in contents.path })
    }
    return sources + [Source(provider: memory(standards)) { _ in "default" }]
  }

  private var variables: [String: String] {
    var variables: [String: String] = [:]
    for setting in Setting.all {
      // An empty variable is how a shell says that there is none.
      if let value = environment[setting.variable], !value.isEmpty { variables[setting.upperKey] = value }
    }
    return variables
  }

  private var standards: [String: String] {
    let folder = environment["XDG_RUNTIME_DIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/run"
    return Dictionary(
      uniqueKeysWithValues: Setting.all.map {
        ($0.key, $0.standard.replacing("$XDG_RUNTIME_DIR", with: folder))
      })
  }

  private func memory(_ values: [String: String]) -> InMemoryProvider {
    let pairs = values.map { (AbsoluteConfigKey([$0.key]), ConfigValue(.string($0.value), isSecret: false)) }
    return InMemoryProvider(values: Dictionary(uniqueKeysWithValues: pairs))
  }

  /// Variables that look like ours and that nothing reads.
  private var warnings: [String] {
    // Those of clients may well be set for a daemon beside them.
    let known = Setting.all.map(\.variable) + ["FLOWD_CONFIG", "FLOWD_SERVER_KEY", "FLOWD_KEY_FILE"]
    return environment.keys.sorted().filter { $0.hasPrefix("FLOWD_") && !known.contains($0) }.map {
      "the variable \($0) is not read; \(suggestion(for: $0, among: known))"
    }
  }
}

/// Notes how many providers were asked for the last value; the last of them had it.
private final class ProvidersAsked: AccessReporter {
  private let number = Mutex(0)

  var count: Int { number.withLock { $0 } }

  func report(_ event: AccessEvent) { number.withLock { $0 = event.providerResults.count } }
}
