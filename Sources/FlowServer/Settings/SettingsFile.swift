// SPDX-License-Identifier: Apache-2.0

internal import Configuration
internal import Yams

/// The values of a configuration file in YAML, of which JSON is a part.
struct SettingsFile: ConfigProvider {
  /// Where the file lies.
  let path: String
  private let contents: YAMLSnapshot

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - isOptional: whether it may be missing.
  /// - Returns: nil if it is missing and may be, or says nothing.
  static func read(_ path: String, isOptional: Bool) throws(SettingsError) -> SettingsFile? {
    let bytes: [UInt8]
    do {
      bytes = try readWholeFile(path)
    } catch {
      if isOptional, error.isMissingFile { return nil }
      throw SettingsError("\(path) cannot be read: \(error); correct --config or FLOWD_CONFIG")
    }
    return try SettingsFile(path, bytes)
  }

  private init?(_ path: String, _ bytes: [UInt8]) throws(SettingsError) {
    self.path = path
    guard let root = try compose(path, bytes) else { return nil }
    try checkKeys(path, root)
    do {
      contents = try YAMLSnapshot(data: bytes.span.bytes, providerName: path, parsingOptions: .default)
    } catch {
      throw SettingsError("\(path) cannot be used: \(error)")
    }
  }

  // MARK: - ConfigProvider

  var providerName: String { path }

  func value(forKey key: AbsoluteConfigKey, type: ConfigType) throws -> LookupResult {
    try contents.value(forKey: key, type: type)
  }

  nonisolated(nonsending) func fetchValue(forKey key: AbsoluteConfigKey, type: ConfigType) async throws
    -> LookupResult
  {
    try value(forKey: key, type: type)
  }

  nonisolated(nonsending) func watchValue<Return: ~Copyable>(
    forKey key: AbsoluteConfigKey, type: ConfigType,
    updatesHandler:
      nonisolated(nonsending) (ConfigUpdatesAsyncSequence<Result<LookupResult, any Error>, Never>)
      async throws -> Return
  ) async throws -> Return {
    try await watchValueFromValue(forKey: key, type: type, updatesHandler: updatesHandler)
  }

  func snapshot() -> any ConfigSnapshot { contents }

  nonisolated(nonsending) func watchSnapshot<Return: ~Copyable>(
    updatesHandler:
      nonisolated(nonsending) (ConfigUpdatesAsyncSequence<any ConfigSnapshot, Never>) async throws -> Return
  ) async throws -> Return {
    try await watchSnapshotFromSnapshot(updatesHandler: updatesHandler)
  }
}

/// The top of the document; nil if it is empty.
private func compose(_ path: String, _ bytes: [UInt8]) throws(SettingsError) -> Node.Mapping? {
  guard let text = String(validating: bytes, as: UTF8.self) else {
    throw SettingsError("\(path) is not UTF-8 text; write it anew")
  }
  let root: Node?
  do {
    root = try Yams.compose(yaml: text)
  } catch {
    throw SettingsError("\(path) is not YAML: \(error)")
  }
  guard let root, root.null == nil else { return nil }
  guard let mapping = root.mapping else {
    throw SettingsError("\(path) is not a list of keys and values; write lines such as \"max-sessions: 2\"")
  }
  return mapping
}

/// Refuses keys that no setting has and values that are not one text: what is not read must not look as if it were.
private func checkKeys(_ path: String, _ root: Node.Mapping) throws(SettingsError) {
  let known = Setting.all.map(\.key)
  for (key, value) in root {
    let name = key.string ?? "?"
    let place = "\(path), line \(key.mark?.line ?? 1)"
    guard known.contains(name) else {
      throw SettingsError("\(place): there is no setting \"\(name)\"; \(suggestion(for: name, among: known))")
    }
    guard value.scalar != nil else {
      throw SettingsError("\(place): \(name) is not one value; write a list as one text with commas")
    }
  }
}
