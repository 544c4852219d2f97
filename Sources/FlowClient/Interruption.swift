// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// How often the user has asked to stop. Global, because a signal handler reaches nothing else.
private let requests = Atomic<Int>(0)

/// Turns SIGINT and SIGTERM into a count that a waiting loop can look at.
public enum Interruption {
  /// Catches the signals from now on, and lets a closed pipe or a file that may not grow be an error of
  /// `write` instead of a death.
  public static func install() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    for number in [SIGINT, SIGTERM] {
      // An atomic addition is safe in a handler.
      signal(number) { _ in requests.wrappingAdd(1, ordering: .relaxed) }
    }
  }

  /// How many signals have arrived.
  public static var count: Int { requests.load(ordering: .relaxed) }
}
