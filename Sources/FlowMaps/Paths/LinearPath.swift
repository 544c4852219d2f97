// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff

/// The straight path from data x at t = 0 to noise e at t = 1, and what follows from it.
///
/// Times are shaped to broadcast against the state. Conversions: docs/notation.md.
public enum LinearPath {
  /// z_t = (1 − t)·x + t·e.
  public static func interpolate(data x: Variable, noise e: Variable, at t: Variable) -> Variable {
    x + t * (e - x)
  }

  /// v = (z − D)/t: the velocity of a prediction of the data, t > 0.
  public static func velocity(of prediction: Variable, state z: Variable, at t: Variable) -> Variable {
    (z - prediction) / t
  }

  /// D = z − t·v: the prediction of the data that a velocity stands for.
  public static func prediction(of velocity: Variable, state z: Variable, at t: Variable) -> Variable {
    z - t * velocity
  }
}
