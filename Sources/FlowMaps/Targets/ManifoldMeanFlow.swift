// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowManifolds
internal import FlowTensor

/// Riemannian MeanFlow: u(z, r, t) against sg of what its own derivative along the path asks for.
///
/// Where the flow map is exact, −(t − r)·u(z, r, t) = log_z y with a y that stays where it is as z moves with the flow.
/// The derivative of both sides along (ż, 0, 1) gives u = −D log_z(y)[ż] − (t − r)·Du[ż, 0, 1]; the target is its
/// tangent part with y = sg X_{t→r}(z). In flat space D log_z(y)[ż] = −ż, and it is MeanFlow's (2505.13447, equation
/// 10); on the diagonal it is ż. Cost: one evaluation and its gradient, a tangent of the teacher, no gradient through
/// it; where the teacher is the map itself, one evaluation less.
public struct ManifoldMeanFlow: JumpTarget {
  /// What ż is.
  public enum Motion: String, Sendable, Codable {
    /// The velocity of the row's own path, as in MeanFlow, or the known one: right on average.
    case path
    /// The teacher's v(z, t), or the known one: a function of z, so less noise.
    case own
    /// Du along that of the head, or else the teacher's v(z, t), and D log along the path's own: improved MeanFlow
    /// (2512.02012), whose prediction is a function of z and whose target is the path's velocity.
    case derivativeOwn
  }

  /// What ż is.
  public var motion: Motion
  /// How its derivative is had.
  public var derivative: TimeDerivative
  /// The greatest length of a target; any if infinite.
  public var clip: Float
  /// How what is asked for beside u itself is normalised; not at all if nil.
  public var normalisation: TangentNormalisation?

  /// The target.
  public init(
    motion: Motion = .path, derivative: TimeDerivative = .exact, clip: Float = 10,
    normalisation: TangentNormalisation? = nil
  ) {
    self.motion = motion
    self.derivative = derivative
    self.clip = clip
    self.normalisation = normalisation
  }

  /// With the share of the derivative that this progress has.
  public func at(progress: Double) -> any JumpTarget {
    var target = self
    target.normalisation = normalisation?.at(progress: progress)
    return target
  }

  /// The squared error, [count, 1].
  public func error(_ batch: JumpBatch, online: ManifoldMap, teacher: ManifoldMap) -> Variable {
    let manifold = online.manifold, z = batch.z.detached, length = batch.t - batch.r
    let (seen, along) = motions(batch, teacher)
    let source = batch.teacherIsOnline ? online : teacher
    let average = derivative.of(at: (z, batch.t), along: (along, batch.t.running), to: batch.r) {
      source.velocity($0, r: batch.r, t: $1)
    }
    let velocity = average.value.detached
    let landing = manifold.exp(z, -length * velocity).detached
    let turn = jvpDetachingTangent(at: [z], along: [seen]) { manifold.log($0[0], landing) }.tangent
    let asked: Variable
    if let normalisation {
      let rest = manifold.tangent(
        -turn - velocity - (normalisation.share * length) * average.tangent, at: z)
      asked = velocity + normalisation.applied(rest, length: manifold.norm(rest, at: z))
    } else {
      let whole = manifold.tangent(-turn - length * average.tangent, at: z)
      asked = shortened(whole, to: clip, length: manifold.norm(whole, at: z))
    }
    let found = batch.teacherIsOnline ? average.value : online.velocity(batch.z, r: batch.r, t: batch.t)
    let difference = found - asked.detached
    return manifold.inner(difference, difference, at: z)
  }

  /// What D log is taken along, and what Du is.
  private func motions(_ batch: JumpBatch, _ teacher: ManifoldMap) -> (seen: Variable, along: Variable) {
    let path = batch.velocity.detached, z = batch.z.detached
    switch motion {
    case .path: return (path, path)
    case .own:
      let own = batch.flow(teacher, at: z, batch.t)
      return (own, own)
    case .derivativeOwn:
      return (path, (batch.head?(z, batch.t) ?? teacher.velocity(z, at: batch.t)).detached)
    }
  }
}

/// How the difference g that a continuous-time target asks for is tamed: g/(|g|/√d + c), d the numbers of a row, and the
/// part of g with a derivative let in little by little (sCM, 2410.11081; Align Your Flow, 2506.14603).
public struct TangentNormalisation: Sendable, Equatable {
  /// c.
  public var offset: Float
  /// The share of the training in which the derivative's share rises from 0 to 1.
  public var warmUp: Double
  /// The derivative's share now.
  private(set) var share: Float = 1

  /// A normalisation.
  public init(offset: Float = 0.1, warmUp: Double = 0.1) {
    precondition(offset > 0 && warmUp >= 0, "TangentNormalisation: offset \(offset), warm-up \(warmUp)")
    (self.offset, self.warmUp) = (offset, warmUp)
  }

  func at(progress: Double) -> TangentNormalisation {
    var copy = self
    copy.share = warmUp > 0 ? Float(min(1, progress / warmUp)) : 1
    return copy
  }

  /// g of rows whose lengths are known, [count, 1].
  func applied(_ g: Variable, length: Variable) -> Variable {
    g / ((1 / Float(g.shape[1]).squareRoot()) * length + offset)
  }
}

/// d(x, y)², [count, 1], for a constant x: the square of the logarithm, so that its derivative is smooth where y = x.
func squaredDistance(from x: Variable, to y: Variable, on manifold: any Manifold) -> Variable {
  let u = manifold.log(x, y)
  return manifold.inner(u, u, at: x)
}
