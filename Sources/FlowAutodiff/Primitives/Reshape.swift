// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// The same elements under another shape.
struct Reshape: Primitive {
  let shape: Shape

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].reshaped(shape)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [tangents[0]!.reshaped(outputs[0].shape)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    [cotangents[0]!.reshaped(inputs[0].shape)]
  }
}

/// The axes in another order.
struct Permute: Primitive {
  let axes: [Int]

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].permuted(axes)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [tangents[0]!.permuted(axes)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    var inverse = axes
    for (position, axis) in axes.enumerated() { inverse[axis] = position }
    return [cotangents[0]!.permuted(inverse)]
  }
}

/// The positions of an axis in reverse order: its own transpose.
struct Flip: Primitive {
  let axis: Int

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].flipped(axis: axis)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [tangents[0]!.flipped(axis: axis)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    [cotangents[0]!.flipped(axis: axis)]
  }
}

extension Variable {
  /// The same elements under another shape of the same count.
  public func reshaped(_ shape: Shape) -> Variable {
    shape == self.shape ? self : apply(Reshape(shape: shape), self)
  }

  /// The axes in another order: axis i of the result is axis `axes[i]` of this variable.
  public func permuted(_ axes: [Int]) -> Variable { apply(Permute(axes: axes), self) }

  /// The positions of an axis in reverse order.
  public func flipped(axis: Int) -> Variable { apply(Flip(axis: shape.normalized(axis)), self) }

  /// Each position of an axis `count` times in succession: a, b becomes a, a, b, b.
  public func repeated(_ count: Int, axis: Int) -> Variable { copied(count, axis, inner: true) }

  /// All positions of an axis `count` times in succession: a, b becomes a, b, a, b.
  public func tiled(_ count: Int, axis: Int) -> Variable { copied(count, axis, inner: false) }

  private func copied(_ count: Int, _ axis: Int, inner: Bool) -> Variable {
    let axis = shape.normalized(axis), place = inner ? axis + 1 : axis
    var extents = shape.extents
    extents.insert(1, at: place)
    return reshaped(Shape(extents)).broadcast(to: Shape(extents).replacing(place, with: count))
      .reshaped(shape.replacing(axis, with: shape[axis] * count))
  }
}
