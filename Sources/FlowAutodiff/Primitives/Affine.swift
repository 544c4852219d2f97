// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// y = scale·x + shift with constant numbers.
struct Affine: Primitive {
  let scale: Float
  let shift: Float

  func forward(_ inputs: [Tensor]) -> [Tensor] { [inputs[0].affine(scale: scale, shift: shift)] }

  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    [scale == 1 ? tangents[0]! : scale * tangents[0]!]
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    [scale == 1 ? cotangents[0]! : scale * cotangents[0]!]
  }
}

extension Variable {
  /// `scale`·x + `shift`.
  public func affine(scale: Float, shift: Float) -> Variable {
    apply(Affine(scale: scale, shift: shift), self)
  }

  /// x·a.
  public static func * (x: Variable, a: Float) -> Variable { x.affine(scale: a, shift: 0) }
  /// x/a.
  public static func / (x: Variable, a: Float) -> Variable { x.affine(scale: 1 / a, shift: 0) }
  /// a/x.
  public static func / (a: Float, x: Variable) -> Variable { a * x.map(.reciprocal) }
  /// x − a.
  public static func - (x: Variable, a: Float) -> Variable { x.affine(scale: 1, shift: -a) }
  /// a·x.
  public static func * (a: Float, x: Variable) -> Variable { x.affine(scale: a, shift: 0) }
  /// x + a.
  public static func + (x: Variable, a: Float) -> Variable { x.affine(scale: 1, shift: a) }
  /// a + x.
  public static func + (a: Float, x: Variable) -> Variable { x.affine(scale: 1, shift: a) }
  /// a − x.
  public static func - (a: Float, x: Variable) -> Variable { x.affine(scale: -1, shift: a) }
}
