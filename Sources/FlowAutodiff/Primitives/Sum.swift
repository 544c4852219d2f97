// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// The sum over the axes that broadcasting from `target` would stretch.
struct SumTo: Primitive {
  let target: Shape

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].sum(to: target)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [tangents[0]!.sum(to: outputs[0].shape)]
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

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].broadcast(to: target)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [tangents[0]!.broadcast(to: outputs[0].shape)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    [cotangents[0]!.sum(to: inputs[0].shape)]
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

  /// The sum of all elements, a scalar.
  public func sum() -> Variable { reshaped([shape.count]).sum(to: [1]).reshaped([]) }

  /// The mean of all elements, a scalar.
  public func mean() -> Variable { (1 / Float(max(shape.count, 1))) * sum() }

  /// The sum over one axis, which disappears.
  public func sum(axis: Int) -> Variable { sum(axes: [axis]) }

  /// The mean over one axis, which disappears.
  public func mean(axis: Int) -> Variable { mean(axes: [axis]) }

  /// The variance over one axis, which disappears: the mean square of the distance from the mean.
  public func variance(axis: Int) -> Variable { variance(axes: [axis]) }

  /// The sum over several axes, which disappear or stay with extent 1.
  public func sum(axes: [Int], keepingAxes: Bool = false) -> Variable {
    let summed = sum(to: shape.reduced(axes))
    return keepingAxes ? summed : summed.reshaped(shape.removing(axes))
  }

  /// The mean over several axes, which disappear or stay with extent 1.
  public func mean(axes: [Int], keepingAxes: Bool = false) -> Variable {
    let count = axes.reduce(1) { $0 * shape[$1] }
    return (1 / Float(max(count, 1))) * sum(axes: axes, keepingAxes: keepingAxes)
  }

  /// The variance over several axes, which disappear or stay with extent 1.
  public func variance(axes: [Int], keepingAxes: Bool = false) -> Variable {
    (self - mean(axes: axes, keepingAxes: true)).map(.square).mean(axes: axes, keepingAxes: keepingAxes)
  }
}

extension Shape {
  /// The shape with these axes of extent 1.
  func reduced(_ axes: [Int]) -> Shape { axes.reduce(self) { $0.replacing($1, with: 1) } }

  /// The shape without these axes.
  func removing(_ axes: [Int]) -> Shape {
    let removed = Set(axes.map { normalized($0) })
    return Shape(extents.indices.filter { !removed.contains($0) }.map { extents[$0] })
  }
}
