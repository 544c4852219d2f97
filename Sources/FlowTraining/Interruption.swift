// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// Whether somebody has asked the process to stop: trainings save and end at their next step.
public enum Interruption {
  private static let asked = Atomic<Bool>(false)

  /// Whether it has been asked.
  public static var isAsked: Bool { asked.load(ordering: .relaxed) }

  /// Takes SIGINT and SIGTERM for a request; the second one ends the process at once, by the signal's own action. A file that
  /// may not grow is an error of `write` instead of a death.
  ///
  /// To be called on the thread that computes, before it makes others. It blocks the signals, for their handler must not
  /// interrupt it; a thread of its own, or one that a library has made as it was loaded, takes them.
  public static func watch() {
    // The first use of a global makes it, which a handler must not do.
    asked.store(false, ordering: .relaxed)
    signal(SIGXFSZ, SIG_IGN)
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        Interruption.asked.store(true, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
    }
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { _ in
        while true { pause() }
      }, nil)
    precondition(code == 0, "pthread_create: \(String(cString: strerror(code)))")
    pthread_detach(thread)
    var signals = requests
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  private static var requests: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    return signals
  }
}
