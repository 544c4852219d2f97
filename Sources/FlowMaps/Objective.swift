// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowManifolds
public import FlowTensor

/// A method of the flow-map family: a path, the times that are learnt at, what a jump is compared with, and what an
/// error counts.
///
/// loss = diagonalWeight·Σ |v(z_t, t) − dz_t/dt|²/count + Σ w·error/count. Without a target it is Riemannian flow
/// matching (Chen and Lipman 2024).
public struct Objective: Sendable {
  /// Curves from data to noise.
  public var path: any ManifoldPath
  /// The times of a batch.
  public var pairs: JumpPairs
  /// What jumps are compared with.
  public var target: (any JumpTarget)?
  /// What the error of a jump counts.
  public var weight: JumpWeight
  /// What a jump counts by its length, if that changes in the training.
  public var lengths: LengthCurriculum?
  /// What the diagonal counts against the jumps.
  public var diagonalWeight: Float
  /// What an error of the velocity counts by its time.
  public var timeWeight = DiagonalWeight.none
  /// Which times of the diagonal are learnt when; all throughout if nil.
  public var times: TimeCurriculum?

  /// A method of these parts.
  public init(
    path: any ManifoldPath, pairs: JumpPairs, target: (any JumpTarget)?, weight: JumpWeight = .none,
    diagonalWeight: Float = 1
  ) {
    self.path = path
    self.pairs = pairs
    self.target = target
    self.weight = weight
    self.diagonalWeight = diagonalWeight
  }

  /// The two parts of the loss of pairs of points.
  ///
  /// - Parameters:
  ///   - online: the map that is trained, recorded where a gradient is taken.
  ///   - teacher: what targets are made with: the same map of constant weights.
  ///   - progress: the share of the training that is done.
  public func loss(
    data: Variable, noise: Variable, online: ManifoldMap, teacher: ManifoldMap, progress: Double = 0,
    _ random: inout Random
  ) -> (diagonal: Variable, jumps: Variable) {
    let count = data.shape[0]
    var times = pairs.sample(count, progress: progress, &random)
    if let least = self.times.map({ Float($0.least(at: progress)) }) {
      times.diagonalTimes = times.diagonalTimes.map { least + (1 - least) * $0 }
    }
    let share = 1 / Float(count)
    return (
      share * diagonalWeight * diagonalError(data, noise, times, online).sum(),
      share * jumpError(data, noise, times, online: online, teacher: teacher, progress).sum()
    )
  }

  private func diagonalError(
    _ data: Variable, _ noise: Variable, _ times: JumpTimes, _ online: ManifoldMap
  ) -> Variable {
    let rows = times.diagonal
    if rows.isEmpty || diagonalWeight == 0 { return Variable(0) }
    let t = column(times.diagonalTimes)
    let state = path.state(data: data.slice(axis: 0, rows), noise: noise.slice(axis: 0, rows), at: t)
    let difference = online.velocity(state.point, at: t) - state.velocity
    let error = online.manifold.inner(difference, difference, at: state.point)
    return timeWeight.factor(at: t).map { $0 * error } ?? error
  }

  private func jumpError(
    _ data: Variable, _ noise: Variable, _ times: JumpTimes, online: ManifoldMap, teacher: ManifoldMap,
    _ progress: Double
  ) -> Variable {
    let rows = times.jumps
    guard let target = target?.at(progress: progress), !rows.isEmpty else { return Variable(0) }
    let (r, s, t) = (column(times.r), column(times.s), column(times.t))
    let (data, noise) = (data.slice(axis: 0, rows), noise.slice(axis: 0, rows))
    let state = path.state(data: data, noise: noise, at: t)
    let batch = JumpBatch(
      z: state.point, velocity: state.velocity,
      path: { path.state(data: data, noise: noise, at: $0).point }, r: r, s: s, t: t)
    let error = target.error(batch, online: online, teacher: teacher)
    let weighted =
      weight.factor(error: Float(target.scale) * error, interval: t - r).map { $0 * error } ?? error
    // After the adaptive weight, which would divide by it.
    return lengths.map { $0.factor(length: t - r, progress: progress) * weighted } ?? weighted
  }

  private func column(_ times: [Float]) -> Variable { Variable(Tensor(times, shape: [times.count, 1])) }
}
