// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// An operation that derivatives are known for: one file each, with the forward rule in tensors and the
/// derivative rules in primitives, so that derivatives compose.
public protocol Primitive: Sendable {
  /// The results for these inputs.
  func forward(_ inputs: [Tensor]) -> [Tensor]

  /// The product of the cotangents of the results with the Jacobian.
  ///
  /// - Parameters:
  ///   - inputs: what `forward` was given.
  ///   - outputs: what it returned.
  ///   - cotangents: one a result, nil where the result was not used.
  ///   - needed: which inputs a derivative is wanted for.
  /// - Returns: one cotangent an input, nil where it is zero or not needed.
  func vjp(_ inputs: [Variable], _ outputs: [Variable], cotangents: [Variable?], needed: [Bool])
    -> [Variable?]
}

/// The results of a primitive, recorded on the innermost tape among its inputs.
public func apply(_ primitive: any Primitive, to inputs: [Variable]) -> [Variable] {
  guard let tape = inputs.compactMap(\.tape).max(by: { $0.level < $1.level }) else {
    return primitive.forward(inputs.map(\.tensor)).map { Variable($0) }
  }
  let unwrapped = inputs.map { $0.unwrapped(from: tape) }
  let primals = unwrapped.map(\.primal)
  let outputs = apply(primitive, to: primals)
  return tape.record(primitive, inputs: primals, places: unwrapped.map(\.place), outputs: outputs)
}

/// The only result of a primitive.
public func apply(_ primitive: any Primitive, _ inputs: Variable...) -> Variable {
  apply(primitive, to: inputs)[0]
}
