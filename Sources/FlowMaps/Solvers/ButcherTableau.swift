// SPDX-License-Identifier: Apache-2.0

/// The coefficients of an explicit Runge–Kutta method: stage i looks at z + h·Σⱼ aᵢⱼkⱼ at time t + cᵢh; the step is
/// h·Σ bᵢkᵢ, and its error estimate h·Σ eᵢkᵢ.
public struct ButcherTableau: Sendable {
  /// The order of the step's global error.
  public let order: Int
  let a: [[Double]]
  let b: [Double]
  let c: [Double]
  let e: [Double]?

  /// Euler: one evaluation, order 1.
  public static let euler = ButcherTableau(order: 1, a: [[]], b: [1], c: [0], e: nil)

  /// Heun: two evaluations, order 2.
  public static let heun = ButcherTableau(order: 2, a: [[], [1]], b: [0.5, 0.5], c: [0, 1], e: nil)

  /// The classical method of Kutta (1901): four evaluations, order 4.
  public static let rk4 = ButcherTableau(
    order: 4, a: [[], [0.5], [0, 0.5], [0, 0, 1]], b: [1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6],
    c: [0, 0.5, 0.5, 1],
    e: nil)

  /// Dormand and Prince (1980): seven evaluations, order 5 with an estimate of order 4.
  public static let dormandPrince = ButcherTableau(
    order: 5,
    a: [
      [], [1.0 / 5], [3.0 / 40, 9.0 / 40], [44.0 / 45, -56.0 / 15, 32.0 / 9],
      [19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729],
      [9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656],
      [35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84],
    ],
    b: [35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84, 0],
    c: [0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1],
    e: [
      71.0 / 57600, 0, -71.0 / 16695, 71.0 / 1920, -17253.0 / 339200, 22.0 / 525, -1.0 / 40,
    ])
}
