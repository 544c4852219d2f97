// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

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
    let after = inputs[0].shape[axis] - range.upperBound
    return [cotangents[0]!.padded(axis: axis, before: range.lowerBound, after: after)]
  }
}

/// Zeros at both ends of an axis: the transpose of ``Slice``.
struct Pad: Primitive {
  let axis: Int
  let before: Int
  let after: Int

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    [inputs[0].padded(axis: axis, before: before, after: after)]
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [tangents[0]!.padded(axis: axis, before: before, after: after)]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    [cotangents[0]!.slice(axis: axis, before..<before + inputs[0].shape[axis])]
  }
}

/// An axis cut into its single positions, each without the axis.
struct Unstack: Primitive {
  let axis: Int

  func forward(_ inputs: [Tensor]) -> [Tensor] {
    let shape = inputs[0].shape, rest = shape.removing([axis])
    return (0..<shape[axis]).map { inputs[0].slice(axis: axis, $0..<$0 + 1).reshaped(rest) }
  }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    apply(self, to: [tangents[0]!])
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    let part = inputs[0].shape.reduced([axis])
    return [concatenate(cotangents.map { $0?.reshaped(part) ?? Variable(.zeros(part)) }, axis: axis)]
  }
}

extension Variable {
  /// An axis cut into its single positions, each without the axis.
  public func unstacked(axis: Int) -> [Variable] { apply(Unstack(axis: shape.normalized(axis)), to: [self]) }

  /// The part `range` of an axis.
  public func slice(axis: Int, _ range: Range<Int>) -> Variable {
    apply(Slice(axis: shape.normalized(axis), range: range), self)
  }

  /// Zeros added at both ends of an axis.
  public func padded(axis: Int, before: Int, after: Int) -> Variable {
    apply(Pad(axis: shape.normalized(axis), before: before, after: after), self)
  }
}

/// Variables joined along an axis.
public func concatenate(_ variables: [Variable], axis: Int) -> Variable {
  apply(Concatenate(axis: variables[0].shape.normalized(axis)), to: variables)[0]
}

/// Variables of one shape laid side by side along a new axis: the inverse of ``Variable/unstacked(axis:)``.
public func stack(_ variables: [Variable], axis: Int) -> Variable {
  let shape = variables[0].shape, axis = axis < 0 ? axis + shape.rank + 1 : axis
  var extents = shape.extents
  extents.insert(1, at: axis)
  return concatenate(variables.map { $0.reshaped(Shape(extents)) }, axis: axis)
}
