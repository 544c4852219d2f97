// SPDX-License-Identifier: Apache-2.0

/// A fused gradient kernel that has no derivative rule of its own: gradients of gradients do not go through it.
protocol FirstOrderOnly: Primitive {}

extension FirstOrderOnly {
  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    preconditionFailure("\(Self.self): this kernel has no second derivative")
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    preconditionFailure("\(Self.self): this kernel has no second derivative")
  }
}
