// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels
internal import Glibc

/// How a gradient moves weights.
public enum OptimiserMethod: String, Sendable, Codable, CaseIterable {
  /// Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).
  case adamW
  /// The same, without the second moment until that is known well enough, and with it in part after (Liu et al. 2020).
  case rAdam
  /// The gradient over the root of its second moment, which no bias is corrected of (Tieleman and Hinton 2012).
  case rmsProp
  /// Momentum of a matrix made orthogonal by five Newton–Schulz steps (Jordan et al. 2024), as long as Adam's (Liu et al.
  /// 2025). For matrices between hidden layers; use another for the rest.
  case muon
}

/// One step of an optimiser with decoupled weight decay, with an exponential moving average of the weights in the same
/// pass over memory.
public struct OptimiserStep: Sendable {
  /// The method.
  public var method = OptimiserMethod.adamW
  /// Step length.
  public var rate: Float
  /// Decay of the first moment.
  public var beta1: Float
  /// Decay of the second moment.
  public var beta2: Float
  /// Added to the root of the second moment.
  public var epsilon: Float
  /// Decoupled weight decay, relative to `rate`.
  public var decay: Float
  /// The number of this step, from 1; corrects the bias of the moments.
  public var number: Int
  /// Multiplies the gradient first: clipping.
  public var gradientScale: Float
  /// Decay of the moving average.
  public var averageDecay: Float

  /// A step of AdamW with these settings.
  public init(
    rate: Float, beta1: Float, beta2: Float, epsilon: Float, decay: Float, number: Int, gradientScale: Float,
    averageDecay: Float
  ) {
    self.rate = rate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.decay = decay
    self.number = number
    self.gradientScale = gradientScale
    self.averageDecay = averageDecay
  }

  /// What the kernel of AdamW is to do.
  var kernel: flow_adamw_step {
    let t = Double(number), first = 1 / (1 - pow(Double(beta1), t)), second = 1 / (1 - pow(Double(beta2), t))
    var kernel = flow_adamw_step(
      rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, decay: decay, m_correction: Float(first),
      v_correction: Float(second), gradient_scale: gradientScale, average_decay: averageDecay)
    switch method {
    case .adamW: break
    case .rAdam:
      let most = 2 / (1 - Double(beta2)) - 1
      let known = most - 2 * t * pow(Double(beta2), t) * second
      if known > 5 {
        let share = (known - 4) * (known - 2) * most / ((most - 4) * (most - 2) * known)
        kernel.m_correction *= Float(share.squareRoot())
      } else {
        kernel.takeFirstMomentAlone()
      }
    case .rmsProp: (kernel.beta1, kernel.m_correction, kernel.v_correction) = (0, 1, 1)
    case .muon:
      // The gradient is the direction already.
      (kernel.beta1, kernel.m_correction, kernel.gradient_scale) = (0, 1, 1)
      kernel.takeFirstMomentAlone()
    }
    return kernel
  }
}

extension flow_adamw_step {
  /// Makes the denominator √(0·v) + 1.
  fileprivate mutating func takeFirstMomentAlone() { (v_correction, epsilon) = (0, 1) }
}

extension Tensor {
  /// Nearly U·Vᵀ of a matrix U·S·Vᵀ: five steps X ← a·X + (b·A + c·A²)·X with A = X·Xᵀ, of which singular values end within
  /// 0.7…1.2 (Jordan et al. 2024).
  func orthogonalised() -> Tensor {
    let isTall = shape[0] > shape[1]
    var x = isTall ? permuted([1, 0]) : self
    x = x.affine(scale: Float(1 / (x.sumOfSquares.squareRoot() + 1e-7)))
    for _ in 0..<5 {
      let a = Tensor.matmul(x, x, transposeB: true)
      let b = Tensor.combine(
        .add, a.affine(scale: -4.7750), Tensor.matmul(a, a).affine(scale: 2.0315))
      x = Tensor.combine(.add, x.affine(scale: 3.4445), Tensor.matmul(b, x))
    }
    return isTall ? x.permuted([1, 0]) : x
  }
}
