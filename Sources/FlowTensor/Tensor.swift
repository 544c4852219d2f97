// SPDX-License-Identifier: Apache-2.0

/// A contiguous, row-major, immutable array of 32-bit floats.
///
/// A value: copies share their memory. Slices along the leading axis are views; every other rearrangement copies.
public struct Tensor: Sendable {
  /// The extents of the axes.
  public let shape: Shape
  var storage: Storage
  let offset: Int

  /// The number of elements.
  public var count: Int { shape.count }

  /// The first element. Valid while the tensor lives: use it inside a function that was handed the
  /// tensor as an argument, or under `withExtendedLifetime`.
  package var pointer: UnsafePointer<Float> { UnsafePointer(storage.base + offset) }

  /// A view of `storage` from element `offset` on.
  init(shape: Shape, storage: Storage, offset: Int) {
    self.shape = shape
    self.storage = storage
    self.offset = offset
  }

  /// A tensor whose elements `fill` writes, all of them.
  package init(_ shape: Shape, fill: (UnsafeMutablePointer<Float>) -> Void) {
    self.init(shape: shape, storage: Storage(count: shape.count), offset: 0)
    fill(storage.base)
  }

  /// A tensor of these elements in row-major order.
  public init(_ elements: [Float], shape: Shape) {
    precondition(elements.count == shape.count, "Tensor: \(elements.count) elements for shape \(shape)")
    self.init(shape) { $0.initialize(from: elements, count: elements.count) }
  }

  /// A vector of these elements.
  public init(_ elements: [Float]) { self.init(elements, shape: [elements.count]) }

  /// A tensor whose elements are all `value`.
  public init(repeating value: Float, shape: Shape) {
    self.init(shape) { $0.initialize(repeating: value, count: shape.count) }
  }

  /// A scalar.
  public init(_ value: Float) { self.init(repeating: value, shape: []) }

  /// Zeros.
  public static func zeros(_ shape: Shape) -> Tensor { Tensor(repeating: 0, shape: shape) }

  /// The elements in row-major order; copies.
  public var elements: [Float] {
    withExtendedLifetime(storage) { Array(UnsafeBufferPointer(start: pointer, count: count)) }
  }

  /// The value of a tensor of one element.
  public var item: Float {
    precondition(count == 1, "item: a tensor of shape \(shape) is not one number")
    return withExtendedLifetime(storage) { pointer[0] }
  }

  /// Reads the elements in place.
  public func withElements<R>(_ body: (UnsafeBufferPointer<Float>) throws -> R) rethrows -> R {
    try withExtendedLifetime(storage) { try body(UnsafeBufferPointer(start: pointer, count: count)) }
  }

  /// The same elements under another shape of the same count; a view.
  public func reshaped(_ shape: Shape) -> Tensor {
    precondition(shape.count == count, "reshape: \(self.shape) to \(shape) changes the number of elements")
    return Tensor(shape: shape, storage: storage, offset: offset)
  }

  /// Rows `range` of the leading axis; a view.
  public func rows(_ range: Range<Int>) -> Tensor {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= shape[0], "rows: \(range) of a tensor of shape \(shape)")
    let row = count / max(shape[0], 1)
    return Tensor(
      shape: shape.replacing(0, with: range.count), storage: storage, offset: offset + range.lowerBound * row)
  }
}
