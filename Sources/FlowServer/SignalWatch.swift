// SPDX-License-Identifier: Apache-2.0

internal import FlowZeroMQ
internal import Glibc
internal import Synchronization

/// The file to which the handler of signals writes; -1 before there is one.
private let signalDescriptor = Atomic<Int32>(-1)

/// Calls a function for every SIGTERM and SIGINT from now on; one for the process.
///
/// The function runs on a thread of its own, where it may do what a handler of signals may not.
final class SignalWatch: Sendable {
  private let thread: OwnThread

  /// Begins to watch; `body` is told how many signals there have been.
  init(_ body: @escaping @Sendable (Int) -> Void) throws(ZeroMQError) {
    let wakeUp = try WakeUp()
    signalDescriptor.store(wakeUp.fileDescriptor, ordering: .sequentiallyConsistent)
    thread = OwnThread {
      unblockSignals()
      var count = 0
      while true {
        var items = [PollItem(fileDescriptor: wakeUp.fileDescriptor, .input)]
        guard (try? poll(&items, milliseconds: -1)) != nil else { return }
        count += wakeUp.clear()
        body(count)
      }
    }
    for number in [SIGTERM, SIGINT] { signal(number, tell) }
    // A log whose reader has gone is no reason to die, nor is a recording that may not grow.
    for number in [SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) }
  }
}

/// Lets signals reach this thread: a process inherits what the thread that started it had blocked.
private func unblockSignals() {
  var signals = sigset_t()
  sigemptyset(&signals)
  for number in [SIGTERM, SIGINT] { sigaddset(&signals, number) }
  pthread_sigmask(SIG_UNBLOCK, &signals, nil)
}

/// Safe in a handler of signals: an atomic load and a write, which leaves `errno` as it was.
private func tell(_ number: Int32) {
  let saved = errno
  var one: UInt64 = 1
  _ = write(signalDescriptor.load(ordering: .sequentiallyConsistent), &one, MemoryLayout<UInt64>.size)
  errno = saved
}
