// SPDX-License-Identifier: Apache-2.0

internal import FlowWire
internal import Synchronization

/// What the thread of the sockets publishes of itself, for other threads to read at any time.
struct StatusSnapshot: Sendable {
  /// Whether it can serve.
  let readiness: Readiness
  /// What it tells of itself.
  let status: ServerStatus
  /// What it has counted.
  let metrics: MetricSet
  /// When this was so.
  let time = ContinuousClock.now
}

/// Holds the last snapshot.
///
/// Readers never wait for the thread that publishes, nor for one that computes.
final class StatusBoard: Sendable {
  /// The loop publishes at least this often; see ``DaemonLoop/report()``.
  static let period = Duration.seconds(1)
  /// A loop that has not published for this long hangs.
  static let patience = Duration.seconds(10)

  private let last = Mutex<StatusSnapshot?>(nil)

  /// Publishes a snapshot.
  func publish(_ snapshot: StatusSnapshot) { last.withLock { $0 = snapshot } }

  /// The last snapshot; nil before the loop has begun.
  var snapshot: StatusSnapshot? { last.withLock { $0 } }
}
