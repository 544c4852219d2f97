// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// A fused kernel that is also written out in primitives; its derivatives are those of the composition.
///
/// Right for a kernel whose derivatives are rarely taken: they cost what the composition costs.
protocol Composed: Primitive {
  /// What `forward` computes, in primitives.
  func composition(_ inputs: [Variable]) -> [Variable]
}

extension Composed {
  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?] {
    pushforward(at: inputs, along: tangents, of: composition).tangents
  }

  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
  {
    pullback(at: inputs, needed: needed, of: composition) { _ in cotangents }.cotangents
  }
}

/// The gradients of a composition of one result: its inputs and a cotangent; one result an input.
func gradients(of primitive: some Composed, _ inputs: [Variable]) -> [Variable] {
  let arguments = Array(inputs.dropLast())
  let found = pullback(at: arguments, of: primitive.composition) { _ in [inputs.last] }
  return zip(arguments, found.cotangents).map { $1 ?? Variable(.zeros($0.shape)) }
}

/// The sum of what is not zero.
func total(_ a: Variable?, _ b: Variable?) -> Variable? {
  if let a, let b { a + b } else { a ?? b }
}

extension Variable {
  /// The mean over the last axis, which stays with extent 1.
  var lastMean: Variable { (1 / Float(shape[-1])) * sum(to: shape.replacing(-1, with: 1)) }

  /// [batch…, channels] as [batch…, 1, channels]: one row for all tokens.
  var forAllTokens: Variable { reshaped(Shape(shape.extents.dropLast() + [1, shape[-1]])) }
}
