// SPDX-License-Identifier: Apache-2.0

/// The value of a function and a central difference in place of its derivative along a direction:
/// (f(x + δ·v) − f(x − δ·v))/2δ.
///
/// For functions of which only values are to be had; elsewhere ``jvp(at:along:of:)`` is exact and cheaper. The error is
/// δ²/6 of the third derivative plus about 1e-7/δ of the value by rounding. TMD (2601.09881) takes δ = 5e-3.
/// Transformations outside see the difference as they see any arithmetic.
///
/// - Complexity: three evaluations.
public func finiteDifferenceJVP(
  at arguments: [Variable], along tangents: [Variable?], step: Float = 5e-3,
  of function: ([Variable]) throws -> Variable
) rethrows -> (value: Variable, tangent: Variable) {
  let value = try function(arguments)
  return (value, try centralDifference(arguments, tangents, step, function))
}

/// The value of a function, and as a constant a central difference in place of its derivative along a direction: the
/// named alternative to ``jvpDetachingTangent(at:along:of:)``.
///
/// - Complexity: one evaluation for the value, seen by the transformations outside, and two that are recorded nowhere.
public func finiteDifferenceJVPDetachingTangent(
  at arguments: [Variable], along tangents: [Variable?], step: Float = 5e-3,
  of function: ([Variable]) throws -> Variable
) rethrows -> (value: Variable, tangent: Variable) {
  let value = try function(arguments)
  let constants = arguments.map { $0.detached }, directions = tangents.map { $0?.detached }
  let tangent = try centralDifference(constants, directions, step) {
    try withoutDerivatives(at: $0, of: function)
  }
  return (value, tangent)
}

private func centralDifference(
  _ arguments: [Variable], _ tangents: [Variable?], _ step: Float,
  _ function: ([Variable]) throws -> Variable
) rethrows -> Variable {
  precondition(step > 0, "finiteDifferenceJVP: a step of \(step)")
  precondition(
    tangents.count == arguments.count,
    "finiteDifferenceJVP: \(tangents.count) tangents for \(arguments.count) arguments")
  func value(_ step: Float) throws -> Variable {
    let moved = zip(arguments, tangents).map { argument, tangent in
      guard let tangent else { return argument }
      precondition(
        tangent.shape == argument.shape,
        "finiteDifferenceJVP: tangent \(tangent.shape) of an argument of shape \(argument.shape)")
      return argument + step * tangent
    }
    return try function(moved)
  }
  return (1 / (2 * step)) * (try value(step) - value(-step))
}
