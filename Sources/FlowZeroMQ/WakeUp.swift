// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ
internal import Glibc

/// Wakes a thread that waits in ``poll(_:milliseconds:)``, from any thread.
public final class WakeUp: Sendable {
  /// An `eventfd`, readable from the first ``signal()`` until ``clear()``.
  public let fileDescriptor: Int32

  /// Opens an `eventfd`.
  public init() throws(ZeroMQError) {
    fileDescriptor = try zmqCall("eventfd") { eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK)) }
  }

  deinit { close(fileDescriptor) }

  /// Wakes the waiting thread, or lets its next waiting end at once.
  public func signal() {
    // A full counter is a signal as well, so that the result does not matter.
    _ = eventfd_write(fileDescriptor, 1)
  }

  /// Takes all signals given so far, and says how many there were.
  @discardableResult
  public func clear() -> Int {
    var count: eventfd_t = 0
    return eventfd_read(fileDescriptor, &count) == 0 ? Int(clamping: count) : 0
  }
}
