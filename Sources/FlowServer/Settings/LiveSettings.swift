// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Synchronization

/// The settings of a running daemon, which SIGHUP reads again.
public final class LiveSettings: Sendable {
  private let loader: SettingsLoader
  private let loaded: Mutex<LoadedSettings>
  private let catalogue: any ModelCatalogue
  private let governor: LogGovernor

  /// Settings that were loaded by `loader`; the level of `governor` follows them.
  public init(
    _ loaded: LoadedSettings, loader: SettingsLoader, catalogue: any ModelCatalogue, governor: LogGovernor
  ) {
    self.loaded = Mutex(loaded)
    self.loader = loader
    self.catalogue = catalogue
    self.governor = governor
  }

  /// What the daemon shall do.
  public var server: ServerConfiguration { loaded.withLock { $0.settings.server } }

  /// Reads all sources again and takes over what may change while the daemon runs.
  ///
  /// What may not is said in the log. A source that is wrong changes nothing, and the log says why.
  ///
  /// - Returns: what the daemon shall do now; nil if nothing changes.
  func reload(_ logger: Logger) -> ServerConfiguration? {
    do throws(SettingsError) {
      let new = try loader.load()
      try new.settings.checkPreload(among: catalogue.names())
      for warning in new.warnings { logger.warning("\(warning)") }
      let (frozen, settings) = loaded.withLock { ($0.update(from: new), $0.settings) }
      governor.level = settings.logLevel
      for key in frozen {
        logger.warning(
          "a setting cannot change while the daemon runs; restart it", metadata: ["setting": "\(key)"])
      }
      logger.notice("configuration loaded again")
      return settings.server
    } catch {
      logger.error("configuration not loaded; the old one stays", metadata: ["reason": "\(error)"])
      return nil
    }
  }
}
