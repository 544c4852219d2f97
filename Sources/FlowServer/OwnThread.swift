// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor
internal import Glibc
internal import Synchronization

/// A thread of the operating system that runs one function.
///
/// Matrix work, encoders and sockets do not belong on Swift's cooperative pool, which has a thread a core and
/// expects nobody to wait on it. Signals are blocked on it: a thread that computes must not be interrupted by their handlers.
final class OwnThread: Sendable {
  private let handle = Mutex<pthread_t?>(nil)

  /// Starts `body` on a new thread.
  init(_ body: @escaping @Sendable () -> Void) {
    let work = Unmanaged.passRetained(Work(body: body))
    var thread = pthread_t()
    let code = Team.withSignalsBlocked {
      pthread_create(
        &thread, nil,
        { argument in
          // Safe: the pointer is the one retained above, and is released here once.
          guard let argument else { return nil }
          Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
          return nil
        }, work.toOpaque())
    }
    precondition(code == 0, "pthread_create: \(String(cString: strerror(code)))")
    handle.withLock { $0 = thread }
  }

  /// Waits until the function has returned; a second call returns at once.
  func join() {
    let thread = handle.withLock { $0.take() }
    if let thread { pthread_join(thread, nil) }
  }
}

/// What a new thread is given.
private final class Work: Sendable {
  let body: @Sendable () -> Void
  init(body: @escaping @Sendable () -> Void) { self.body = body }
}
