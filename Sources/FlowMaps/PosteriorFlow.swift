// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowTensor

/// The velocity of the flow whose data are the posterior p(x given x_t), by a denoiser that was trained for no such thing:
/// GLASS, which meta flow maps learn from (2601.14430).
///
/// Two noisy looks at x say what one with less noise says: with L = ((1 − t)/t)² + ((1 − s)/s)², z_s of an inner path from x
/// to noise of its own and x_t together are worth x* at t* = 1/(1 + √L),
///
///     x*/(1 − t*) = [(1 − t)/t²·x_t + (1 − s)/s²·z_s]/L,
///
/// and so E[x given x_t, z_s] = D(x*, t*), and the velocity is (z_s − D(x*, t*))/s.
///
/// - Parameters:
///   - z: states of the inner flow, [count, …].
///   - s: their times, above 0; shaped to broadcast against z.
///   - x: what is given, x_t.
///   - t: its time, above 0.
///   - denoiser: D(x, t) = E[data given x] on the linear path.
public func posteriorVelocity(
  _ z: Variable, at s: Variable, given x: Variable, at t: Variable,
  denoiser: (_ x: Variable, _ t: Variable) -> Variable
) -> Variable {
  let (outer, inner) = (1 - t, 1 - s)
  let weight = outer / (t * t), own = inner / (s * s)
  let l = weight * outer + own * inner, root = l.map(.sqrt)
  // (1 − t*)/L = √L/((1 + √L)·L): nothing is divided by L where both looks are all noise.
  let mean = (weight * x + own * z) / Variable.maximum(l, Variable(1e-30))
  let time = 1 / (1 + root)
  return (z - denoiser((root * time) * mean, time)) / s
}
