// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// What is done to arrays that are overwritten in place, on the calling thread.
package enum Floats {
  /// z = a·x + b·y.
  package static func blend(
    _ count: Int, _ a: Float, _ x: UnsafePointer<Float>, _ b: Float, _ y: UnsafePointer<Float>,
    into z: UnsafeMutablePointer<Float>
  ) {
    flow_blend(count, a, x, b, y, z)
  }

  /// Whether every number is finite.
  package static func areFinite(_ count: Int, _ x: UnsafePointer<Float>) -> Bool { flow_all_finite(count, x) }
}

extension Random {
  /// `count` standard normal numbers into memory that is there already: those of ``normal(_:)``.
  package mutating func fillNormal(_ x: UnsafeMutablePointer<Float>, count: Int) {
    flow_normal(key, takeStream(), 0, count, x)
  }
}
