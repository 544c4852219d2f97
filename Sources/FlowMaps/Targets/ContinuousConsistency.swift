// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowTensor

/// sCM: consistency in continuous time on the trigonometric path (Lu and Song 2024, 2410.11081), in flat space, r = 0.
///
/// With σ the data's deviation, h = √(σ²(1 − t)² + t²), cos θ = σ(1 − t)/h, sin θ = t/h and y = σ·z/h the state of that path,
/// the map is f = cos θ·y − sin θ·σ·F, and F is compared with sg[F + g],
/// g = −cos²θ·(σF − dy/dθ) − ρ·cos θ·sin θ·(y + σ·dF/dθ), normalised; ρ rises from 0 to 1. dy/dθ is that of the row's own
/// path (training) or of a known velocity (distillation). Cost: one evaluation, its gradient and a tangent.
public struct ContinuousConsistency: JumpTarget {
  /// σ.
  public var deviation: Float
  /// How g is tamed.
  public var normalisation: TangentNormalisation
  /// How dF/dθ is had.
  public var derivative: TimeDerivative

  /// The target.
  public init(
    deviation: Float = 0.5, normalisation: TangentNormalisation = TangentNormalisation(),
    derivative: TimeDerivative = .exact
  ) {
    precondition(deviation > 0, "ContinuousConsistency: deviation \(deviation)")
    (self.deviation, self.normalisation, self.derivative) = (deviation, normalisation, derivative)
  }

  /// With the share of the derivative that this progress has.
  public func at(progress: Double) -> any JumpTarget {
    var target = self
    target.normalisation = normalisation.at(progress: progress)
    return target
  }

  /// The squared error, [count, 1].
  public func error(_ batch: JumpBatch, online: ManifoldMap, teacher: ManifoldMap) -> Variable {
    let σ = deviation, t = batch.t.detached, z = batch.z.detached
    let angle = TrigonometricAngle(t, deviation: σ)
    // dz/dθ = v·dt/dθ, and dt/dθ = h²/σ.
    let pace = (1 / σ) * angle.hypotenuse.map(.square)
    let velocity = batch.velocity.detached
    let source = batch.teacherIsOnline ? online : teacher
    let answer = { (z: Variable, t: Variable, map: ManifoldMap) in
      TrigonometricAngle(t, deviation: σ).answer(
        velocity: map.velocity(z, r: batch.r, t: t), at: z)
    }
    let dual = derivative.of(at: (z, t), along: (pace * velocity, pace), to: batch.r) {
      answer($0, $1, source)
    }
    let (cosine, sine) = (angle.cosine, angle.sine), answered = dual.value.detached
    let y = (σ / angle.hypotenuse) * z
    // y = σ·z/h and dh/dt = (t − σ²(1 − t))/h.
    let slope = (t - (σ * σ) * (1 - t)) / angle.hypotenuse
    let run = (σ / angle.hypotenuse) * (velocity - (slope / angle.hypotenuse) * z) * pace
    let still = -(cosine * cosine) * (σ * answered - run)
    let moving = (-normalisation.share * (cosine * sine)) * (y + σ * dual.tangent)
    let g = still + moving
    let tamed = normalisation.applied(g, length: g.map(.square).sum(axes: [1], keepingAxes: true).map(.sqrt))
    let found = batch.teacherIsOnline ? dual.value : answer(batch.z, t, online)
    return (found - (answered + tamed).detached).map(.square).sum(axes: [1], keepingAxes: true)
  }
}

/// The angle of the trigonometric path that a time of the linear path has, for data of a deviation σ.
struct TrigonometricAngle {
  /// h = √(σ²(1 − t)² + t²).
  let hypotenuse: Variable
  /// σ(1 − t)/h.
  let cosine: Variable
  /// t/h.
  let sine: Variable
  private let deviation: Float

  init(_ t: Variable, deviation σ: Float) {
    hypotenuse = ((σ * σ) * (1 - t).map(.square) + t.map(.square)).map(.sqrt)
    cosine = (σ * (1 - t)) / hypotenuse
    sine = t / hypotenuse
    deviation = σ
  }

  /// F of the average velocity u between 0 and t: (cos θ − sin θ/σ)·z + h/σ·u.
  func answer(velocity u: Variable, at z: Variable) -> Variable {
    skip * z + ((1 / deviation) * hypotenuse) * u
  }

  /// u of F.
  func velocity(answer: Variable, at z: Variable) -> Variable {
    (deviation / hypotenuse) * (answer - skip * z)
  }

  private var skip: Variable { cosine - (1 / deviation) * sine }
}
