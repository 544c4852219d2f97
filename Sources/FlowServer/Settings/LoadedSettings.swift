// SPDX-License-Identifier: Apache-2.0

/// Settings, and where each came from.
public struct LoadedSettings: Sendable, Equatable {
  /// One setting as it was found.
  public struct Value: Sendable, Equatable {
    /// Its key.
    public let key: String
    /// Its value as it was written.
    public let text: String
    /// The flag, the variable or the file that says so, or `default`.
    public let source: String
  }

  /// What they amount to.
  public private(set) var settings: DaemonSettings
  /// All values in the order of the table.
  public private(set) var values: [Value]
  /// What looks like a mistake and does no harm.
  public let warnings: [String]

  init(settings: DaemonSettings, values: [Value], warnings: [String]) {
    self.settings = settings
    self.values = values
    self.warnings = warnings
  }

  /// Takes over what may change while the daemon runs.
  ///
  /// - Returns: the keys of other values that changed, and count at the next start only.
  mutating func update(from new: LoadedSettings) -> [String] {
    var frozen: [String] = []
    for (index, setting) in Setting.all.enumerated() where values[index].text != new.values[index].text {
      guard setting.effect == .reload else {
        frozen.append(setting.key)
        continue
      }
      do throws(SettingFault) {
        try setting.reader.apply(new.values[index].text, &settings)
        values[index] = new.values[index]
      } catch {
        preconditionFailure("\(setting.key): a value that was good is not: \(error.remedy)")
      }
    }
    return frozen
  }
}
