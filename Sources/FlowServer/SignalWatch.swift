// SPDX-License-Identifier: Apache-2.0

internal import FlowZeroMQ
internal import Glibc
internal import Synchronization

/// What an operator says to a process by a signal.
enum OperatorSignal {
  /// SIGTERM or SIGINT.
  case stop
  /// SIGHUP.
  case reload
  /// SIGUSR1.
  case logStatus
}

/// The files to which the handler of signals writes; -1 before there are any.
private let stopDescriptor = Atomic<Int32>(-1)
private let reloadDescriptor = Atomic<Int32>(-1)
private let statusDescriptor = Atomic<Int32>(-1)

/// Calls a function for every SIGTERM, SIGINT, SIGHUP and SIGUSR1 from now on; one for the process.
///
/// The functions run on a thread of its own, where it may do what a handler of signals may not.
final class SignalWatch: Sendable {
  private let thread: OwnThread

  /// Begins to watch; `body` is told what was signalled, and how often so far. Several may count as one call.
  init(_ body: @escaping @Sendable (OperatorSignal, Int) -> Void) throws(ZeroMQError) {
    // Of several at a time the one that stops comes last, so that the others are not lost.
    let wakeUps = [
      (OperatorSignal.logStatus, try WakeUp()), (.reload, try WakeUp()), (.stop, try WakeUp()),
    ]
    for (signal, wakeUp) in wakeUps {
      signal.write(to: wakeUp.fileDescriptor)
    }
    thread = OwnThread {
      unblockSignals()
      var counts: [OperatorSignal: Int] = [:]
      while true {
        var items = wakeUps.map { PollItem(fileDescriptor: $0.1.fileDescriptor, .input) }
        guard (try? poll(&items, milliseconds: -1)) != nil else { return }
        for (signal, wakeUp) in wakeUps {
          let count = wakeUp.clear()
          guard count > 0 else { continue }
          counts[signal, default: 0] += count
          body(signal, counts[signal, default: 0])
        }
      }
    }
    for number in watched { signal(number, tell) }
    // A log whose reader has gone is no reason to die, nor is a recording that may not grow.
    for number in [SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) }
  }
}

extension OperatorSignal {
  /// Has the handler write to a file.
  fileprivate func write(to descriptor: Int32) {
    switch self {
    case .stop: stopDescriptor.store(descriptor, ordering: .sequentiallyConsistent)
    case .reload: reloadDescriptor.store(descriptor, ordering: .sequentiallyConsistent)
    case .logStatus: statusDescriptor.store(descriptor, ordering: .sequentiallyConsistent)
    }
  }
}

private let watched = [SIGTERM, SIGINT, SIGHUP, SIGUSR1]

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
  var one: UInt64 = 1
  let descriptor =
    switch number {
    case SIGHUP: reloadDescriptor.load(ordering: .sequentiallyConsistent)
    case SIGUSR1: statusDescriptor.load(ordering: .sequentiallyConsistent)
    default: stopDescriptor.load(ordering: .sequentiallyConsistent)
    }
  _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
  errno = saved
}
