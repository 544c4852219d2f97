// SPDX-License-Identifier: Apache-2.0

internal import FlowZeroMQ
internal import Synchronization

/// Carries values from any thread to the one that owns the other end, in order.
final class Mailbox<Element: Sendable>: Sendable {
  private let elements = Mutex<[Element]>([])
  private let wakeUp: WakeUp

  /// An empty mailbox.
  init() throws(ZeroMQError) { wakeUp = try WakeUp() }

  /// Readable when something may have been posted.
  var fileDescriptor: Int32 { wakeUp.fileDescriptor }

  /// Leaves a value and wakes the owner.
  func post(_ element: Element) {
    elements.withLock { $0.append(element) }
    wakeUp.signal()
  }

  /// Takes everything without waiting.
  func take() -> [Element] {
    // Cleared before the values are taken: what is posted in between wakes the owner once more.
    wakeUp.clear()
    return elements.withLock { elements in
      defer { elements = [] }
      return elements
    }
  }

  /// Waits until there is something, and takes everything.
  func waitAndTake() -> [Element] {
    while true {
      let taken = take()
      if !taken.isEmpty { return taken }
      var items = [PollItem(fileDescriptor: fileDescriptor, .input)]
      // A failure to wait would be a bug of ours; it shows as a busy loop, not as a lost value.
      _ = try? poll(&items, milliseconds: -1)
    }
  }
}
