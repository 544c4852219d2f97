// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Whether the compute thread is at work, and since when on the same thing.
final class ComputePulse: Sendable {
  /// When the present work began; nil while the thread waits for work.
  private let began = Mutex<ContinuousClock.Instant?>(nil)

  /// The thread begins with something.
  func beat() { began.withLock { $0 = .now } }

  /// The thread has nothing to do.
  func rest() { began.withLock { $0 = nil } }

  /// How long the thread has been at the same thing; zero if it waits.
  var busy: Duration { began.withLock { $0 }.map { $0.duration(to: .now) } ?? .zero }
}
