// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowTensor

/// What a MeanFlow step compares (Geng et al. 2025, equation 10): the prediction u(z, r, t), which derivatives flow
/// through, and its target v − (t − r)·(v·∂u/∂z + ∂u/∂t), a constant.
///
/// On the diagonal r = t the target is v, whatever the derivative: only the other samples take a tangent along with
/// them. The loss is the same, and a batch of which a quarter lies off the diagonal costs a twelfth more than one of
/// plain flow matching, not a third.
///
/// - Parameters:
///   - z: the states, [batch, …].
///   - r: [batch, 1].
///   - t: [batch, 1].
///   - v: the velocities dz/dt, of the shape of z.
///   - diagonal: how many samples, the first ones, have r = t.
///   - u: the average velocity u(z, r, t) of a batch, by a network that takes its samples one by one.
public func meanFlow(
  _ z: Variable, r: Variable, t: Variable, velocity v: Variable, diagonal: Int,
  of u: (_ z: Variable, _ r: Variable, _ t: Variable) -> Variable
) -> (prediction: Variable, target: Variable) {
  let batch = z.shape[0]
  precondition(
    diagonal >= 0 && diagonal <= batch, "meanFlow: \(diagonal) of \(batch) samples on the diagonal")
  let velocity = v.detached
  if diagonal == batch { return (u(z, r, t), velocity) }
  let rest = { (x: Variable) in x.slice(axis: 0, diagonal..<batch) }
  let motion = rest(velocity), interval = rest(t - r).detached
  let dual = jvpDetachingTangent(
    at: [z, r, t], along: [motion, nil, Variable(Tensor(repeating: 1, shape: interval.shape))],
    rows: diagonal..<batch
  ) { u($0[0], $0[1], $0[2]) }
  let factors = interval.reshaped(Shape([batch - diagonal] + [Int](repeating: 1, count: z.shape.rank - 1)))
  let moved = motion - factors * dual.tangent
  let still = velocity.slice(axis: 0, 0..<diagonal)
  return (dual.value, diagonal == 0 ? moved : concatenate([still, moved], axis: 0))
}

/// Σ w·‖prediction − target‖²/batch with w = 1/(‖prediction − target‖² + c)^p, a constant: the adaptive loss of
/// MeanFlow (Geng et al. 2025, equation 22). ‖·‖² sums over a sample; p = 0 is the squared error.
public func adaptiveLoss(
  _ prediction: Variable, _ target: Variable, power p: Float = 1, offset c: Float = 1e-3
) -> Variable {
  let batch = prediction.shape[0]
  let error = (prediction - target).map(.square).reshaped([batch, prediction.shape.count / max(batch, 1)])
    .sum(axis: 1)
  let weight = p == 0 ? nil : (error.detached + c).power(-p)
  return (1 / Float(max(batch, 1))) * (weight.map { $0 * error } ?? error).sum()
}
