// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowTensor

/// The average velocity of some of the samples of a batch: `rows` says which, for what a network is told beside state
/// and times.
public typealias SampledAverageVelocity = (
  _ rows: Range<Int>, _ z: Variable, _ r: Variable, _ t: Variable
) -> Variable

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
///   - u: the network.
public func meanFlow(
  _ z: Variable, r: Variable, t: Variable, velocity v: Variable, diagonal: Int, of u: SampledAverageVelocity
) -> (prediction: Variable, target: Variable) {
  let batch = z.shape[0]
  precondition(
    diagonal >= 0 && diagonal <= batch, "meanFlow: \(diagonal) of \(batch) samples on the diagonal")
  var predictions: [Variable] = [], targets: [Variable] = []
  if diagonal > 0 {
    let rows = 0..<diagonal
    let part = { (x: Variable) in x.slice(axis: 0, rows) }
    predictions.append(u(rows, part(z), part(r), part(t)))
    targets.append(part(v).detached)
  }
  if diagonal < batch {
    let rows = diagonal..<batch
    let part = { (x: Variable) in x.slice(axis: 0, rows) }
    let (velocity, time) = (part(v).detached, part(t))
    let dual = jvpDetachingTangent(
      at: [part(z), part(r), time], along: [velocity, nil, Variable(Tensor(repeating: 1, shape: time.shape))]
    ) { u(rows, $0[0], $0[1], $0[2]) }
    let interval = (time - part(r)).detached
      .reshaped(Shape([rows.count] + [Int](repeating: 1, count: z.shape.rank - 1)))
    predictions.append(dual.value)
    targets.append(velocity - interval * dual.tangent)
  }
  return (concatenate(predictions, axis: 0), concatenate(targets, axis: 0))
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
