// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A wish that work end early: made on any thread, looked for by the one that works, between the parts of its work.
///
/// A look costs one relaxed load and takes no memory. What is cancelled stays so: other work takes another one.
public final class Cancellation: Sendable {
  /// Looks that are still let through; as many as there are unless somebody cancels.
  private let looks: Atomic<Int>

  /// Work that nobody has cancelled yet.
  public init() { looks = Atomic(.max) }

  /// Work that is cancelled after `count` looks: where a test wants it to stop.
  package init(afterLooks count: Int) { looks = Atomic(count) }

  /// Makes the next look the last.
  public func cancel() { looks.store(0, ordering: .relaxed) }

  /// Whether somebody has cancelled.
  public var isCancelled: Bool { looks.load(ordering: .relaxed) <= 0 }

  /// A look: throws once somebody has cancelled.
  public func check() throws(Cancelled) {
    let left = looks.load(ordering: .relaxed)
    if left == .max { return }
    guard left > 0 else { throw Cancelled() }
    looks.wrappingSubtract(1, ordering: .relaxed)
  }
}

/// Work ended early because somebody wished so.
public struct Cancelled: Error, Sendable, Equatable {
  /// Says so.
  public init() {}
}
