// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowTensor

/// What the squared error of a jump counts: a factor a row, which no derivative flows through.
public enum JumpWeight: Sendable, Equatable {
  /// 1.
  case none
  /// t − r.
  case interval
  /// 1/(t − r)²: for targets that compare points, whose distance grows with the jump.
  case inverseSquareInterval
  /// 1/(error + c)^p (MeanFlow, 2505.13447, equation 22).
  case adaptive(power: Double, offset: Double)

  func factor(error: Variable, interval: Variable) -> Variable? {
    switch self {
    case .none: nil
    case .interval: interval.detached
    case .inverseSquareInterval: interval.detached.map(.square).map(.reciprocal)
    case .adaptive(let p, let c): (error.detached + Float(c)).power(-Float(p))
    }
  }
}
