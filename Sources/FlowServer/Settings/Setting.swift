// SPDX-License-Identifier: Apache-2.0

/// One thing that an operator may decide.
///
/// A row of ``Setting/all``: the key of the file, the variable, the flag and the help all come from it.
struct Setting: Sendable {
  /// When a changed value counts.
  enum Effect: Sendable {
    /// At the next start only.
    case start
    /// At the next SIGHUP.
    case reload
  }

  /// The key in a file, and the flag without its dashes.
  let key: String
  /// The value where nobody gives one; `$XDG_RUNTIME_DIR` stands for that folder, or for `/run`.
  let standard: String
  /// When a changed value counts.
  let effect: Effect
  /// What it decides.
  let help: String
  /// How its text is read, and where the value goes.
  let reader: SettingReader

  init(_ key: String, _ standard: String, _ effect: Effect, _ reader: SettingReader, _ help: String) {
    self.key = key
    self.standard = standard
    self.effect = effect
    self.reader = reader
    self.help = help
  }

  /// The variable of the environment; clients read the one of `bind` as well.
  var variable: String { key == "bind" ? "FLOWD_ENDPOINT" : "FLOWD_\(upperKey)" }

  /// The key as the environment provider looks for it.
  var upperKey: String { key.uppercased().replacing("-", with: "_") }
}

/// Why a text is no value of a setting: what to give instead.
struct SettingFault: Error {
  let remedy: String
  init(_ remedy: String) { self.remedy = remedy }
}

/// Turns the text of a setting into its value.
struct SettingReader: Sendable {
  /// Stands for the value in the help.
  let placeholder: String
  /// Whether the flag alone says `true`.
  var isSwitch = false
  /// Puts the value in its place, or throws what to give instead.
  let apply: @Sendable (String, inout DaemonSettings) throws(SettingFault) -> Void
}
