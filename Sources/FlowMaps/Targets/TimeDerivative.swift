// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff

/// How a target has the derivative of a network along a flow, as a constant.
public enum TimeDerivative: Sendable, Equatable {
  /// By a forward derivative.
  case exact
  /// By a central difference of this step (TMD, 2601.09881): for networks that have no forward derivative, and for those
  /// whose forward derivative is rough, which the step smooths.
  case difference(step: Float)
  /// By the difference from the state that was before, at this share of the way to where a jump lands.
  ///
  /// What a map learns moves from early times to late ones, and steps of gradient descent let fast changes in time grow
  /// that an exact or central difference sees; one that looks back damps them, as taking differences upwind does where a
  /// wave is computed. Wrong by as much as it looks; cost: two evaluations, of which one is recorded.
  case backward(share: Float)

  /// The value of u(z, r, t) at rows (z, t) and its derivative along a direction, whose part in time is positive.
  func of(
    at row: (z: Variable, t: Variable), along tangent: (z: Variable, t: Variable), to r: Variable,
    _ function: (_ z: Variable, _ t: Variable) -> Variable
  ) -> (value: Variable, tangent: Variable) {
    let (arguments, tangents) = ([row.z, row.t], [tangent.z, tangent.t])
    switch self {
    case .exact: return jvpDetachingTangent(at: arguments, along: tangents) { function($0[0], $0[1]) }
    case .difference(let step):
      return finiteDifferenceJVPDetachingTangent(at: arguments, along: tangents, step: step) {
        function($0[0], $0[1])
      }
    case .backward(let share):
      let value = function(row.z, row.t)
      let step = (share * (row.t - r) / tangent.t).detached
      let before = withoutDerivatives(at: [row.z - step * tangent.z, row.t - step * tangent.t]) {
        function($0[0], $0[1])
      }
      return (value, ((value - before) / step).detached)
    }
  }
}
