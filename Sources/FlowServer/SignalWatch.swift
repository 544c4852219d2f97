// SPDX-License-Identifier: Apache-2.0

internal import FlowZeroMQ
internal import Glibc
internal import Synchronization

/// The file to which the handler of signals writes; -1 before there is one.
private let signalDescriptor = Atomic<Int32>(-1)

/// What is watched.
private let watched = [SIGTERM, SIGINT, SIGHUP]

/// What SIGHUP adds to the counter; others add one, and there are never so many.
private let hangUpWeight = 1 << 32

/// Calls a function for every SIGTERM and SIGINT from now on, and another for SIGHUP; one for the process.
///
/// The functions run on a thread of its own, where it may do what a handler of signals may not.
final class SignalWatch: Sendable {
  private let thread: OwnThread

  /// Begins to watch; `stop` is told how often that has been asked for.
  init(
    stop: @escaping @Sendable (Int) -> Void, hangUp: @escaping @Sendable () -> Void
  ) throws(ZeroMQError) {
    let wakeUp = try WakeUp()
    signalDescriptor.store(wakeUp.fileDescriptor, ordering: .sequentiallyConsistent)
    thread = OwnThread {
      unblockSignals()
      var count = 0
      while true {
        var items = [PollItem(fileDescriptor: wakeUp.fileDescriptor, .input)]
        guard (try? poll(&items, milliseconds: -1)) != nil else { return }
        let (hangUps, stops) = wakeUp.clear().quotientAndRemainder(dividingBy: hangUpWeight)
        if hangUps > 0 { hangUp() }
        count += stops
        if stops > 0 { stop(count) }
      }
    }
    for number in watched { signal(number, tell) }
    // A log whose reader has gone is no reason to die, nor is a recording that may not grow.
    for number in [SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) }
  }
}

/// Lets signals reach this thread: a process inherits what the thread that started it had blocked.
private func unblockSignals() {
  var signals = sigset_t()
  sigemptyset(&signals)
  for number in watched { sigaddset(&signals, number) }
  pthread_sigmask(SIG_UNBLOCK, &signals, nil)
}

/// Safe in a handler of signals: an atomic load and a write, which leaves `errno` as it was.
private func tell(_ number: Int32) {
  let saved = errno
  var weight: UInt64 = number == SIGHUP ? 1 << 32 : 1
  _ = write(
    signalDescriptor.load(ordering: .sequentiallyConsistent), &weight, MemoryLayout<UInt64>.size)
  errno = saved
}
