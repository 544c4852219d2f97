// SPDX-License-Identifier: Apache-2.0

/// The extents of a tensor's axes, outermost first; the last axis is contiguous.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// The extents.
  public let extents: [Int]

  /// A shape of these extents, none of which may be negative.
  public init(_ extents: [Int]) {
    precondition(extents.allSatisfy { $0 >= 0 }, "Shape: negative extent in \(extents)")
    self.extents = extents
  }

  /// A shape written as a list.
  public init(arrayLiteral extents: Int...) { self.init(extents) }

  /// The number of axes; 0 for a scalar.
  public var rank: Int { extents.count }

  /// The number of elements; 1 for a scalar.
  public var count: Int { extents.reduce(1, *) }

  /// The extent of an axis; negative axes count from the last.
  public subscript(axis: Int) -> Int { extents[normalized(axis)] }

  /// The axis as an index from the front.
  public func normalized(_ axis: Int) -> Int {
    let index = axis < 0 ? axis + rank : axis
    precondition(index >= 0 && index < rank, "Shape: axis \(axis) of a tensor of shape \(self)")
    return index
  }

  /// The shape with one extent replaced.
  public func replacing(_ axis: Int, with extent: Int) -> Shape {
    var copy = extents
    copy[normalized(axis)] = extent
    return Shape(copy)
  }

  /// The shape of an elementwise operation on both: axes are aligned at the last, extent 1 stretches.
  public func broadcast(with other: Shape, in operation: @autoclosure () -> String) -> Shape {
    if self == other { return self }
    let rank = max(self.rank, other.rank)
    let left = padded(to: rank), right = other.padded(to: rank)
    return Shape(
      zip(left, right).map { a, b in
        precondition(
          a == b || a == 1 || b == 1, "\(operation()): shapes \(self) and \(other) do not broadcast")
        return a == 1 ? b : a
      })
  }

  /// The extents with 1s in front up to `rank` axes.
  func padded(to rank: Int) -> [Int] { [Int](repeating: 1, count: rank - self.rank) + extents }

  /// The element stride of each axis.
  var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * extents[axis + 1]
    }
    return strides
  }

  /// The element stride of each axis of `target` in a tensor of this shape, 0 where it is stretched.
  func strides(stretchedTo target: Shape) -> [Int] {
    let own = [Int](repeating: 0, count: target.rank - rank) + strides
    return zip(padded(to: target.rank), own).map { $0 == 1 ? 0 : $1 }
  }

  /// `[2, 3]`.
  public var description: String { "\(extents)" }
}
