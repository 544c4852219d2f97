// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowTensor

/// What the squared error of a row counts.
public enum JumpWeight: Sendable, Equatable {
  /// 1.
  case none
  /// t − r.
  case interval
  /// 1/(t − r)²: for targets that compare points, whose distance grows with the jump.
  case inverseSquareInterval
  /// 1/(error + c)^p, a constant (MeanFlow, 2505.13447, equation 22).
  case adaptive(power: Double, offset: Double)
  /// e^−w·error/d + w with a learnt logarithm w(r, t) of the variance, d the numbers of a row (EDM2; 2505.18825).
  case logVariance
  /// log(1 + e^−w·error/d) + w/2: the same for Cauchy's law, of whose errors a few may be huge (decoupled MeanFlow,
  /// 2510.24474, whose code has w in place of w/2, so that no w is best).
  case cauchy

  /// Whether w is wanted.
  public var isLearnt: Bool { self == .logVariance || self == .cauchy }

  /// The loss of rows [count, 1].
  ///
  /// - Parameters:
  ///   - scale: what errors are multiplied by before an adaptive weight is taken of them.
  ///   - width: the numbers of a row.
  ///   - logVariance: w(r, t).
  func loss(
    _ error: Variable, r: Variable, t: Variable, scale: Float = 1, width: Int,
    logVariance: ((_ r: Variable, _ t: Variable) -> Variable)?
  ) -> Variable {
    let interval = (t - r).detached
    switch self {
    case .none: return error
    case .interval: return interval * error
    case .inverseSquareInterval: return error / interval.map(.square)
    case .adaptive(let p, let c): return ((scale * error).detached + Float(c)).power(-Float(p)) * error
    case .logVariance, .cauchy:
      guard let w = logVariance?(r, t) else { preconditionFailure("JumpWeight: no log variance is learnt") }
      let ratio = (-w).map(.exp) * ((1 / Float(width)) * error)
      return self == .cauchy ? (1 + ratio).map(.log) + 0.5 * w : ratio + w
    }
  }
}
