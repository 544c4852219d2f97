// SPDX-License-Identifier: Apache-2.0

/// What an operator decides about a daemon.
public struct ServerConfiguration: Sendable, Equatable {
  /// Where it listens: `ipc://PATH` or `tcp://ADDRESS:PORT`; without a key the address must be of this machine.
  public var endpoint: String
  /// The most sessions at a time.
  public var maximumSessions = 2
  /// The most sessions that may wait until another one ends; 0 refuses them at once.
  public var maximumQueue = 16
  /// The most bytes that the caches of all streams and snapshots may hold; nil for no bound.
  public var cacheBudget: Int?
  /// How long a session waits for a client that was lost.
  public var lease = Duration.seconds(10)
  /// How long a session may be without credit.
  public var idleTimeout = Duration.seconds(60)
  /// How long sessions may take to end once the daemon has been asked to stop.
  public var drainTimeout = Duration.seconds(2)
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
  /// How many bytes of all recordings may wait for the disk; the recording that would pass it ends.
  public var recordingBacklog = 128 << 20
  /// The version that the daemon tells.
  public var version = "0.1.0"

  /// A configuration with the documented defaults.
  public init(endpoint: String) { self.endpoint = endpoint }

  /// The endpoint to listen at: the option, else `FLOWD_ENDPOINT`, else a socket in the user's run-time
  /// folder, else in the system's.
  public static func endpoint(option: String?, environment: [String: String]) -> String {
    func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    let folder = value("XDG_RUNTIME_DIR") ?? "/run"
    return option ?? value("FLOWD_ENDPOINT") ?? "ipc://\(folder)/flowd/flowd.sock"
  }
}
