// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Numbers the transformations of the process in the order of their beginning, from 1.
enum Level {
  private static let last = Atomic<Int>(0)

  static func next() -> Int { last.wrappingAdd(1, ordering: .relaxed).newValue }
}
