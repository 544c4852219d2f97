// SPDX-License-Identifier: Apache-2.0

extension Array {
  /// Calls `body` with each element and its index, in order.
  ///
  /// A loop over an iterator allocates in builds that are not optimised, and tests count allocations there.
  package func walk(_ body: (_ element: Element, _ index: Int) -> Void) {
    var index = 0
    while index < count {
      body(self[index], index)
      index += 1
    }
  }
}

/// Calls `body` with each of `count` numbers from 0, as ``Swift/Array/walk(_:)`` does.
package func walk(_ count: Int, _ body: (_ index: Int) -> Void) {
  var index = 0
  while index < count {
    body(index)
    index += 1
  }
}
