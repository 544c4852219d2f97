// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// An operation that derivatives are known for: one file each, with the forward rule in tensors and the
/// derivative rules in primitives, so that derivatives compose.
public protocol Primitive: Sendable {
  /// The results for these inputs.
  func forward(_ inputs: [Tensor]) -> [Tensor]

  /// The product of the Jacobian with the tangents of the inputs.
  ///
  /// - Parameters:
  ///   - inputs: what `forward` was given.
  ///   - outputs: what it returned.
  ///   - tangents: one an input, of its shape; nil where it is zero. At least one is not nil.
  /// - Returns: one tangent a result, of its shape; nil where it is zero.
  func jvp(_ inputs: [Variable], _ outputs: [Variable], tangents: [Variable?]) -> [Variable?]

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

/// The results of a primitive, seen by the innermost transformation among its inputs: recorded on its tape,
/// or carrying its tangents.
public func apply(_ primitive: any Primitive, to inputs: [Variable]) -> [Variable] {
  let innermost = innermost(inputs)
  switch innermost?.role {
  case nil:
    return primitive.forward(inputs.map { $0.tensor }).map { Variable($0) }
  case .recorded(let tape, _):
    return tape.record(primitive, inputs)
  case .dual:
    return applyDual(primitive, inputs, rule: primitive.jvp)
  case .constant:
    return primitive.forward(inputs.map { $0.tensor }).map { Variable(tensor: $0, trace: innermost) }
  }
}

/// The trace of the innermost transformation among the variables; nil where all are constants.
func innermost(_ variables: [Variable]) -> Trace? {
  var found: Trace?
  for variable in variables {
    if let trace = variable.trace, trace.level > found?.level ?? 0 { found = trace }
  }
  return found
}

/// The only result of a primitive.
public func apply(_ primitive: any Primitive, _ inputs: Variable...) -> Variable {
  apply(primitive, to: inputs)[0]
}
