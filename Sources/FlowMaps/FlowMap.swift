// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff

/// The average velocity u(z, r, t) of a flow map X_{t→r}(z) = z − (t − r)·u(z, r, t), with r ≤ t.
///
/// On the diagonal r = t it is the marginal velocity v(z, t) = E[e − x | z_t = z].
public typealias AverageVelocity = (_ z: Variable, _ r: Variable, _ t: Variable) -> Variable

/// X_{t→r}(z) = z − (t − r)·u.
public func jump(_ z: Variable, from t: Variable, to r: Variable, velocity u: Variable) -> Variable {
  z - (t - r) * u
}

/// The semigroup target: the jump t → r as the jumps t → s → r of the same map, nothing differentiated.
///
/// u_tgt = [(t − s)·u(z, s, t) + (s − r)·u(X_{t→s}(z), r, s)]/(t − r), r < s < t. With s halfway this is the
/// shortcut model's target (Frans et al. 2024) and PSD-M (Boffi, Albergo, Vanden-Eijnden 2025); it needs no
/// JVP. Cost: two evaluations.
public func semigroupTarget(
  _ z: Variable, r: Variable, s: Variable, t: Variable, velocity u: AverageVelocity
) -> Variable {
  let z = z.detached
  let first = u(z, s, t).detached
  let second = u(jump(z, from: t, to: s, velocity: first), r, s).detached
  return ((t - s) * first + (s - r) * second) / (t - r)
}
