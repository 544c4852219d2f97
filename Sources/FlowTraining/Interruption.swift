// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// Whether somebody has asked the process to stop: trainings save and end at their next step.
public enum Interruption {
  private static let asked = Atomic<Bool>(false)

  /// Whether it has been asked.
  public static var isAsked: Bool { asked.load(ordering: .relaxed) }

  /// Takes SIGINT and SIGTERM for a request; the second one ends the process at once, by the signal's own action.
  public static func watch() {
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        Interruption.ask()
        signal(number, SIG_DFL)
      }
    }
  }

  /// Asks.
  static func ask(_ value: Bool = true) { asked.store(value, ordering: .relaxed) }
}
