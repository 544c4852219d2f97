// SPDX-License-Identifier: Apache-2.0

/// What an operator decides about a daemon.
public struct ServerConfiguration: Sendable, Equatable {
  /// Which models are loaded before anybody asks for them.
  public enum Preload: Sendable, Equatable {
    /// Every model of the folders.
    case all
    /// These; an empty list loads none.
    case names([String])
  }

  /// Where it listens: `ipc://PATH` or `tcp://ADDRESS:PORT`; without a key the address must be of this machine.
  public var endpoint: String
  /// The most sessions at a time.
  public var maximumSessions = 2
  /// The most requests that may wait for a session to end; 0 refuses what does not fit at once.
  public var maximumQueue = 16
  /// How long a session may be without credit.
  public var idleTimeout = Duration.seconds(60)
  /// How long a session outlives the connection of its client.
  public var lease = Duration.seconds(10)
  /// How long sessions may take to end once the daemon has been asked to stop.
  public var drainTimeout = Duration.seconds(2)
  /// The most bytes that the caches of all sessions may take; nil sets no bound.
  public var cacheBudget: Int? = MachineMemory.half
  /// The most bytes that loaded models may take; nil sets no bound.
  public var modelMemory: Int?
  /// Which models are loaded at the start.
  public var preload = Preload.all
  /// How long one command may keep the compute thread before the daemon counts as stuck.
  public var computeTimeout = Duration.seconds(120)
  /// Where health and metrics are told over HTTP, `127.0.0.1:PORT` or `[::1]:PORT`; nil tells them nowhere.
  public var httpAddress: String?
  /// Whether what clients ask for in words may be written to the log.
  public var logsPrompts = false
  /// How long a model that could not be loaded is not tried again.
  public var modelRetryPause = Duration.seconds(5)
  /// The file of the daemon's secret key; with it every client must prove to own a key of the users file.
  public var curveKeyFile: String?
  /// The file that lists who may connect.
  public var usersFile: String?
  /// Whether tcp may be served beyond this machine without a key.
  public var isInsecure = false
  /// The folder in which clients may have their streams recorded; nil refuses that.
  public var recordingsFolder: String?
  /// Where streams can be watched by others than their clients, if those let them; nil lets nobody.
  public var observers: String?
  /// How many bytes of all recordings may wait for the disk; the recording that would pass it ends.
  public var recordingBacklog = 128 << 20
  /// The version that the daemon tells.
  public var version = "0.1.0"

  /// A configuration with the documented defaults.
  public init(endpoint: String) { self.endpoint = endpoint }
}
