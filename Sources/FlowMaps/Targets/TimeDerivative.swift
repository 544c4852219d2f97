// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff

/// How a target has the derivative of a network along a flow, as a constant.
public enum TimeDerivative: Sendable, Equatable {
  /// By a forward derivative.
  case exact
  /// By a central difference of this step (TMD, 2601.09881): for networks that have no forward derivative, and for those
  /// whose forward derivative is rough, which the step smooths.
  case difference(step: Float)

  /// The value of a function and its derivative along a direction.
  func of(
    at arguments: [Variable], along tangents: [Variable], _ function: ([Variable]) -> Variable
  ) -> (value: Variable, tangent: Variable) {
    switch self {
    case .exact: jvpDetachingTangent(at: arguments, along: tangents, of: function)
    case .difference(let step):
      finiteDifferenceJVPDetachingTangent(at: arguments, along: tangents, step: step, of: function)
    }
  }
}
