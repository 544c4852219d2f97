// SPDX-License-Identifier: Apache-2.0

public import FlowTensor
public import Logging

/// Everything that the process `flowd` is told: what its daemon does, which models there are, and how it logs.
public struct DaemonSettings: Sendable, Equatable {
  /// How a log is written.
  public enum LogFormat: String, Sendable, CaseIterable {
    /// Text on a terminal, JSON otherwise.
    case auto
    /// Lines for people.
    case text
    /// One JSON object a line.
    case json
  }

  /// What the daemon does.
  public var server: ServerConfiguration
  /// The folder whose subfolders are the video models.
  public var models = "models"
  /// The folder whose subfolders are the flow maps on manifolds.
  public var manifolds = "manifolds"
  /// How weights and caches are stored; nil is what each bundle says.
  public var precision: InferencePrecision?
  /// The least that is logged.
  public var logLevel = Logger.Level.info
  /// How it is logged.
  public var logFormat = LogFormat.auto

  /// The documented defaults for a daemon at `endpoint`.
  public init(endpoint: String) { server = ServerConfiguration(endpoint: endpoint) }

  /// Checks that the models that shall be loaded at the start are among `names`.
  public func checkPreload(among names: [String]) throws(SettingsError) {
    guard case .names(let wanted) = server.preload else { return }
    for name in wanted where !names.contains(name) {
      throw SettingsError(
        "preload names \"\(name)\", which is in neither \(models) nor \(manifolds); \(suggestion(for: name, among: names))"
      )
    }
  }
}

/// Settings that are not possible.
public struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong, where, and what to do about it.
  public let description: String
  /// Whether the command line is to blame, rather than a file or the environment.
  public let isUsage: Bool

  /// Something impossible.
  init(_ description: String, isUsage: Bool = false) {
    self.description = description
    self.isUsage = isUsage
  }

  /// The exit code: 2 for the command line, 78 for everything else.
  public var exitCode: Int32 { isUsage ? 2 : StartError.Kind.configuration.rawValue }
}
