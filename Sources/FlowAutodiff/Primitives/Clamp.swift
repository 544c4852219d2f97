// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// x, but at least `lower` and at most `upper`.
struct Clamp: Primitive {
  let lower: Float
  let upper: Float

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].clamped(lower, upper)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [tangents[0]! * inside(inputs[0], outputs[0])]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    [cotangents[0]! * inside(inputs[0], outputs[0])]
  }

  /// 1 where nothing was changed, the bounds included, else 0.
  private func inside(_ x: Variable, _ y: Variable) -> Variable {
    Variable(Tensor.combine(.equal, x.tensor, y.tensor))
  }
}

extension Variable {
  /// x, but at least the lower and at most the upper bound; no derivative flows where that changed it.
  public func clamped(to bounds: ClosedRange<Float>) -> Variable {
    apply(Clamp(lower: bounds.lowerBound, upper: bounds.upperBound), self)
  }
}
