// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor

/// The value of a function and its derivative along a direction, J·v, in one pass.
///
/// Transformations nest with levels as gradients do: the derivative may be taken inside a gradient (then value
/// and tangent are both recorded by it), around one, or around another forward derivative.
///
/// - Parameters:
///   - tangents: the direction, one an argument and of its shape; nil where it is zero, which is cheaper.
/// - Complexity: about two evaluations; memory of two where nothing records.
public func jvp(
  at arguments: [Variable], along tangents: [Variable?], of function: ([Variable]) throws -> Variable
) rethrows -> (value: Variable, tangent: Variable) {
  let (values, tangents) = try pushforward(at: arguments, along: tangents) { [try function($0)] }
  return (values[0], tangents[0] ?? Variable(.zeros(values[0].shape)))
}

/// The value of a function, and its derivative along a direction as a constant: what targets with a stopped
/// gradient are made of (MeanFlow: u_tgt = v − (t − r)·sg(du/dt)).
///
/// The value is computed once and seen by the transformations outside, as if `function` had been called alone.
/// The tangent is detached: no transformation outside sees how it was made.
///
/// - Complexity: one evaluation for the value, recorded where a gradient is being taken, and one for the tangent,
///   recorded nowhere and freed as it goes: the memory of the plain gradient plus a few intermediate results.
public func jvpDetachingTangent(
  at arguments: [Variable], along tangents: [Variable?], of function: ([Variable]) throws -> Variable
) rethrows -> (value: Variable, tangent: Variable) {
  let (values, tangents) = try pushforward(at: arguments, along: tangents, detaching: true) {
    [try function($0)]
  }
  return (values[0], tangents[0] ?? Variable(.zeros(values[0].shape)))
}

/// The values of a function of several results and their derivatives along a direction.
public func jvp(
  at arguments: [Variable], along tangents: [Variable?], of function: ([Variable]) throws -> [Variable]
) rethrows -> (values: [Variable], tangents: [Variable]) {
  let (values, tangents) = try pushforward(at: arguments, along: tangents, of: function)
  return (values, zip(values, tangents).map { $1 ?? Variable(.zeros($0.shape)) })
}

/// The values of a function of several results, and their derivatives along a direction as constants.
public func jvpDetachingTangent(
  at arguments: [Variable], along tangents: [Variable?], of function: ([Variable]) throws -> [Variable]
) rethrows -> (values: [Variable], tangents: [Variable]) {
  let (values, tangents) = try pushforward(at: arguments, along: tangents, detaching: true, of: function)
  return (values, zip(values, tangents).map { $1 ?? Variable(.zeros($0.shape)) })
}

/// The values of a function and the tangents of its results, nil where they are zero.
func pushforward(
  at arguments: [Variable], along tangents: [Variable?], detaching: Bool = false,
  of function: ([Variable]) throws -> [Variable]
) rethrows -> (values: [Variable], tangents: [Variable?]) {
  precondition(
    tangents.count == arguments.count, "jvp: \(tangents.count) tangents for \(arguments.count) arguments")
  let level = Level.next()
  let duals = zip(arguments, tangents).map { argument, tangent in
    guard let tangent else { return argument }
    precondition(
      tangent.shape == argument.shape,
      "jvp: tangent \(tangent.shape) of an argument of shape \(argument.shape)")
    return argument.dual(detaching ? tangent.detached : tangent, level: level, detaching: detaching)
  }
  let results = try function(duals).map { $0.primalAndTangent(of: level) }
  return (results.map(\.primal), results.map(\.tangent))
}

/// Applies a primitive for the transformations outside the innermost, and a rule to the tangents of that one.
///
/// - Parameter rule: the tangents of the results from inputs, outputs and the tangents of the inputs, as
///   ``Primitive/jvp(_:_:tangents:)``.
func applyDual(
  _ primitive: any Primitive, _ inputs: [Variable],
  rule: (_ inputs: [Variable], _ outputs: [Variable], _ tangents: [Variable?]) -> [Variable?]
) -> [Variable] {
  guard let innermost = innermost(inputs), case .dual(_, let detaching) = innermost.role else {
    preconditionFailure("applyDual: no tangents are being carried")
  }
  let level = innermost.level
  var primals = inputs, tangents = [Variable?](repeating: nil, count: inputs.count)
  for index in inputs.indices {
    (primals[index], tangents[index]) = inputs[index].primalAndTangent(of: level)
  }
  let outputs = apply(primitive, to: primals)
  let results =
    detaching
    ? rule(primals.map { $0.detached }, outputs.map { $0.detached }, tangents)
    : rule(primals, outputs, tangents)
  return zip(outputs, results).map { output, tangent in
    tangent.map { output.dual($0, level: level, detaching: detaching) } ?? output
  }
}

extension Variable {
  fileprivate func dual(_ tangent: Variable, level: Int, detaching: Bool) -> Variable {
    let trace = Trace(level: level, outer: trace, role: .dual(tangent: tangent, detaching: detaching))
    return Variable(tensor: tensor, trace: trace)
  }

  fileprivate func primalAndTangent(of level: Int) -> (primal: Variable, tangent: Variable?) {
    let (primal, role) = unwrapped(from: level)
    if case .dual(let tangent, _)? = role { return (primal, tangent) }
    return (primal, nil)
  }
}
