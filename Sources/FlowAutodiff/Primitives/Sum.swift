// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// The sum over the axes that broadcasting from `target` would stretch.
struct SumTo: Primitive {
  let target: Shape

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].sum(to: target)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [tangents[0]!.sum(to: target)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    [cotangents[0]!.broadcast(to: inputs[0].shape)]
  }
}

/// Copies along the axes that `target` stretches: the transpose of ``SumTo``.
struct BroadcastTo: Primitive {
  let target: Shape

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [Tensor.combine(.add, inputs[0], Tensor.zeros(target))]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [tangents[0]!.broadcast(to: target)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    [cotangents[0]!.sum(to: inputs[0].shape)]
  }
}

/// The sum over one axis, which disappears.
struct SumAxis: Primitive {
  let axis: Int

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].sum(axis: axis)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [tangents[0]!.sum(axis: axis)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let shape = inputs[0].shape
    return [cotangents[0]!.reshaped(shape.replacing(axis, with: 1)).broadcast(to: shape)]
  }
}

extension Variable {
  /// The sum over the axes that broadcasting from `shape` would stretch.
  public func sum(to shape: Shape) -> Variable {
    shape == self.shape ? self : apply(SumTo(target: shape), self)
  }

  /// Copies along the axes that `shape` stretches.
  public func broadcast(to shape: Shape) -> Variable {
    shape == self.shape ? self : apply(BroadcastTo(target: shape), self)
  }

  /// The sum over one axis, which disappears.
  public func sum(axis: Int) -> Variable { apply(SumAxis(axis: shape.normalized(axis)), self) }

  /// The sum of all elements, a scalar.
  public func sum() -> Variable { reshaped([shape.count]).sum(axis: 0) }

  /// The mean of all elements, a scalar.
  public func mean() -> Variable { (1 / Float(max(shape.count, 1))) * sum() }
}
