// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// The largest element along one axis, which disappears.
struct Largest: Primitive {
  let axis: Int

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].largest(axis: axis)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [(tangents[0]! * share(inputs[0].tensor, outputs[0].tensor)).sum(axis: axis)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let kept = inputs[0].shape.reduced([axis])
    return [cotangents[0]!.reshaped(kept) * share(inputs[0].tensor, outputs[0].tensor)]
  }

  /// 1/n where x is one of the n largest along the axis, else 0.
  private func share(_ x: Tensor, _ y: Tensor) -> Variable {
    let kept = x.shape.reduced([axis])
    let chosen = Tensor.combine(.equal, x, y.reshaped(kept))
    return Variable(Tensor.combine(.divide, chosen, chosen.sum(to: kept)))
  }
}

extension Variable {
  /// The largest element along one axis, which disappears; equal elements share the derivative.
  public func largest(axis: Int) -> Variable { apply(Largest(axis: shape.normalized(axis)), self) }

  /// The smallest element along one axis, which disappears; equal elements share the derivative.
  public func smallest(axis: Int) -> Variable { -(-self).largest(axis: axis) }

  /// The largest element along several axes, which disappear or stay with extent 1.
  public func largest(axes: [Int], keepingAxes: Bool = false) -> Variable {
    let kept = axes.reduce(self) { $0.largest(axis: $1).reshaped($0.shape.reduced([$1])) }
    return keepingAxes ? kept : kept.reshaped(shape.removing(axes))
  }

  /// The smallest element along several axes, which disappear or stay with extent 1.
  public func smallest(axes: [Int], keepingAxes: Bool = false) -> Variable {
    -(-self).largest(axes: axes, keepingAxes: keepingAxes)
  }
}
