// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowManifolds
public import FlowTensor

/// A method of the flow-map family: a path, the times that are learnt at, what a jump is compared with, and what an
/// error counts.
///
/// loss = diagonalWeight·Σ w·|v(z_t, t) − v*|²/count + Σ w·error/count, where v* is the velocity dz_t/dt of the row's own
/// path, guided or not, or one that is known. Without a target it is Riemannian flow matching (Chen and Lipman 2024).
public struct Objective: Sendable {
  /// Curves from data to noise.
  public var path: any ManifoldPath
  /// The times of a batch.
  public var pairs: JumpPairs
  /// What jumps are compared with.
  public var target: (any JumpTarget)?
  /// What the error of a jump counts.
  public var weight: JumpWeight
  /// Whether the errors of the diagonal are weighed like those of jumps.
  public var weighsDiagonal = false
  /// What a jump counts by its length, if that changes in the training.
  public var lengths: LengthCurriculum?
  /// What the diagonal counts against the jumps.
  public var diagonalWeight: Float
  /// What an error of the velocity counts by its time.
  public var timeWeight = DiagonalWeight.none
  /// Which times of the diagonal are learnt when; all throughout if nil.
  public var times: TimeCurriculum?
  /// How v* is bent towards what a row is asked for.
  public var guidance: Guidance?
  /// Whether a jump's time between is uniform on it, not where the pairs put it.
  public var splitsAnywhere = false
  /// The least time that the velocity is a quotient by: below it, v* falls with t. That of a head that does the same, or 0.
  public var leastTime: Float = 0

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

  /// The two parts of the loss of pairs of points, where every row is asked for the same.
  public func loss(
    data: Variable, noise: Variable, online: ManifoldMap, teacher: ManifoldMap, progress: Double = 0,
    _ random: inout Random
  ) -> (diagonal: Variable, jumps: Variable) {
    loss(
      data: data, noise: noise, maps: ObjectiveMaps(online: online, teacher: teacher), progress: progress,
      &random)
  }

  /// The two parts of the loss of pairs of points.
  ///
  /// - Parameter progress: the share of the training that is done.
  public func loss(
    data: Variable, noise: Variable, maps: ObjectiveMaps, progress: Double = 0, _ random: inout Random
  ) -> (diagonal: Variable, jumps: Variable) {
    let count = data.shape[0]
    var times = pairs.sample(count, progress: progress, &random)
    if let least = self.times.map({ Float($0.least(at: progress)) }) {
      times.diagonalTimes = times.diagonalTimes.map { least + (1 - least) * $0 }
    }
    if splitsAnywhere {
      let places = random.uniforms(times.r.count)
      times.s = times.r.indices.map { times.r[$0] + places[$0] * (times.t[$0] - times.r[$0]) }
    }
    let share = 1 / Float(count)
    return (
      share * diagonalWeight * diagonalLoss(data, noise, times, maps).sum(),
      share * jumpLoss(data, noise, times, maps, progress).sum()
    )
  }

  private func diagonalLoss(
    _ data: Variable, _ noise: Variable, _ times: JumpTimes, _ maps: ObjectiveMaps
  ) -> Variable {
    let rows = times.diagonal
    if rows.isEmpty || diagonalWeight == 0 { return Variable(0) }
    let t = column(times.diagonalTimes), online = maps.online(rows)
    let state = path.state(data: data.slice(axis: 0, rows), noise: noise.slice(axis: 0, rows), at: t)
    let wanted = velocity(state.velocity, of: rows, at: state.point, t, maps)
    let loss = { (found: Variable) in
      let difference = found - wanted
      let error = online.manifold.inner(difference, difference, at: state.point)
      let weight = weighsDiagonal ? self.weight : .none
      let weighed = weight.loss(
        error, r: t, t: t, width: online.manifold.ambient, logVariance: maps.logVariance)
      return timeWeight.factor(at: t).map { $0 * weighed } ?? weighed
    }
    guard let pair = maps.pair?(rows)(state.point, t) else {
      return loss(online.velocity(state.point, at: t))
    }
    return loss(pair.map) + loss(pair.head)
  }

  private func jumpLoss(
    _ data: Variable, _ noise: Variable, _ times: JumpTimes, _ maps: ObjectiveMaps, _ progress: Double
  ) -> Variable {
    let rows = times.jumps
    guard let target = target?.at(progress: progress), !rows.isEmpty else { return Variable(0) }
    let (r, s, t) = (column(times.r), column(times.s), column(times.t))
    let (data, noise) = (data.slice(axis: 0, rows), noise.slice(axis: 0, rows))
    let state = path.state(data: data, noise: noise, at: t), online = maps.online(rows)
    let batch = JumpBatch(
      z: state.point, velocity: velocity(state.velocity, of: rows, at: state.point, t, maps),
      path: { path.state(data: data, noise: noise, at: $0).point }, r: r, s: s, t: t,
      known: maps.known?(rows), head: maps.head?(rows), teacherIsOnline: maps.teacherIsOnline)
    let error = target.error(batch, online: online, teacher: maps.teacher(rows))
    let weighed = weight.loss(
      error, r: r, t: t, scale: Float(target.scale), width: online.manifold.ambient,
      logVariance: maps.logVariance)
    // After the adaptive weight, which would divide by it.
    return lengths.map { $0.factor(length: t - r, progress: progress) * weighed } ?? weighed
  }

  /// v* of rows whose own paths move with `velocity`, a constant.
  private func velocity(
    _ velocity: Variable, of rows: Range<Int>, at z: Variable, _ t: Variable, _ maps: ObjectiveMaps
  ) -> Variable {
    var found = velocity.detached
    if let known = maps.known?(rows) {
      found = known(z, t).detached
    } else if let guidance, let unconditional = maps.unconditional {
      let guided = guidance.velocity(
        found, conditional: { maps.teacher(rows).velocity(z, at: t) },
        unconditional: { unconditional(rows).velocity(z, at: t) }, at: t, rows: maps.guidance?(rows))
      let unasked = maps.unasked?.slice(axis: 0, rows)
      found = unasked.map { guided + $0 * (found - guided) } ?? guided
    }
    return leastTime > 0 ? (t / Variable.maximum(t, Variable(leastTime))) * found : found
  }

  private func column(_ times: [Float]) -> Variable { Variable(Tensor(times, shape: [times.count, 1])) }
}
