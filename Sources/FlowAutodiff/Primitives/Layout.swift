// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// The same elements under another shape.
struct Reshape: Primitive {
  let shape: Shape

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].reshaped(shape)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [tangents[0]!.reshaped(shape)]
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

/// Tensors joined along an axis.
struct Concatenate: Primitive {
  let axis: Int

  func forward(_ inputs: [Tensor]) -> [Tensor] { [Tensor.concatenate(inputs, axis: axis)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    let parts = zip(inputs, tangents).map { $1 ?? Variable(.zeros($0.shape)) }
    return [concatenate(parts, axis: axis)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    var start = 0
    return zip(inputs, needed).map { input, needed in
      let range = start..<start + input.shape[axis]
      start = range.upperBound
      return needed ? cotangents[0]!.slice(axis: axis, range) : nil
    }
  }
}

/// The part `range` of an axis.
struct Slice: Primitive {
  let axis: Int
  let range: Range<Int>

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].slice(axis: axis, range)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [tangents[0]!.slice(axis: axis, range)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let shape = inputs[0].shape
    let before = shape.replacing(axis, with: range.lowerBound)
    let after = shape.replacing(axis, with: shape[axis] - range.upperBound)
    return [concatenate([Variable(.zeros(before)), cotangents[0]!, Variable(.zeros(after))], axis: axis)]
  }
}

/// An axis cut into its single positions, each without the axis.
struct Unstack: Primitive {
  let axis: Int

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let shape = inputs[0].shape
    var rest = shape.extents
    rest.remove(at: axis)
    return (0..<shape[axis]).map { inputs[0].slice(axis: axis, $0..<$0 + 1).reshaped(Shape(rest)) }
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    apply(self, to: [tangents[0]!])
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let part = inputs[0].shape.replacing(axis, with: 1)
    return [concatenate(cotangents.map { ($0 ?? Variable(.zeros(part))).reshaped(part) }, axis: axis)]
  }
}

extension Variable {
  /// The same elements under another shape of the same count.
  public func reshaped(_ shape: Shape) -> Variable {
    shape == self.shape ? self : apply(Reshape(shape: shape), self)
  }

  /// The axes in another order: axis i of the result is axis `axes[i]` of this variable.
  public func permuted(_ axes: [Int]) -> Variable { apply(Permute(axes: axes), self) }

  /// An axis cut into its single positions, each without the axis.
  public func unstacked(axis: Int) -> [Variable] { apply(Unstack(axis: shape.normalized(axis)), to: [self]) }

  /// The part `range` of an axis.
  public func slice(axis: Int, _ range: Range<Int>) -> Variable {
    apply(Slice(axis: shape.normalized(axis), range: range), self)
  }
}

/// Variables joined along an axis.
public func concatenate(_ variables: [Variable], axis: Int) -> Variable {
  apply(Concatenate(axis: variables[0].shape.normalized(axis)), to: variables)[0]
}
