// SPDX-License-Identifier: Apache-2.0

internal import DequeModule
internal import FlowWire

/// The messages of a stream that its client may have missed, should it be lost: the last ones that were sent.
///
/// A client gives credit for what it has received. So it has received all but as many of the messages sent as it ever
/// allowed to be under way at a time, and those are kept, as far as they fit into a bound of bytes.
struct SentRing {
  /// A message as it was sent.
  struct Entry {
    let sequence: Int
    let reply: Reply
    let body: [UInt8]
  }

  /// The fewest messages that are kept, and the most bytes.
  private static let leastCount = 16
  private static let byteLimit = 64 << 20

  private var entries: Deque<Entry> = []
  /// The index after the last message that is not kept any more.
  private var start = 0
  /// Bytes of all bodies that are kept.
  private(set) var byteCount = 0
  /// The most messages that were allowed to be under way at a time.
  private(set) var window: Int

  init(window: Int) { self.window = window }

  /// The index from which on no message that was sent is missing; those that were dropped were not sent.
  var oldest: Int { start }

  var isEmpty: Bool { entries.isEmpty }

  mutating func removeAll() {
    if let last = entries.last { start = last.sequence + 1 }
    entries = []
    byteCount = 0
  }

  /// Learns how many messages may be under way now.
  mutating func allow(_ credit: Int) { window = max(window, credit) }

  mutating func append(_ entry: Entry) {
    entries.append(entry)
    byteCount += entry.body.count
    while entries.count > max(window, Self.leastCount) || byteCount > Self.byteLimit && entries.count > 1 {
      let first = entries.removeFirst()
      byteCount -= first.body.count
      start = first.sequence + 1
    }
  }

  /// The messages from `sequence` on.
  func messages(from sequence: Int) -> Deque<Entry> {
    Deque(entries.drop { $0.sequence < sequence })
  }
}

/// Messages that were made and not sent.
struct DropCount {
  /// Since the last message that was sent.
  private(set) var recent = 0
  /// In all.
  private(set) var total = 0

  mutating func add(_ count: Int) {
    recent += count
    total += count
  }

  /// The recent ones, which count as told.
  mutating func tell() -> Int {
    defer { recent = 0 }
    return recent
  }
}
