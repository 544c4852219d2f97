// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels
internal import Glibc

/// One step of AdamW with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2), with an exponential moving
/// average of the weights in the same pass over memory.
public struct AdamWStep: Sendable {
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

  /// A step with these settings.
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
}

/// A weight array under training, with its moments and its moving average: the only tensors that are
/// written after they are made, and so owned here alone.
public struct TrainedTensor {
  /// The weights.
  public private(set) var weight: Tensor
  /// First moment.
  public private(set) var first: Tensor
  /// Second moment.
  public private(set) var second: Tensor
  /// Moving average of the weights.
  public private(set) var average: Tensor

  /// Weights at the beginning of training.
  public init(_ weight: Tensor) {
    self.init(weight: weight, first: .zeros(weight.shape), second: .zeros(weight.shape), average: weight)
  }

  /// Weights, moments and average as they were saved.
  public init(weight: Tensor, first: Tensor, second: Tensor, average: Tensor) {
    for other in [first, second, average] {
      precondition(other.shape == weight.shape, "TrainedTensor: shapes \(other.shape) and \(weight.shape)")
    }
    self.weight = weight
    self.first = first
    self.second = second
    self.average = average
  }

  /// Takes one step along `gradient`; writes fresh tensors, so copies handed out before stay as they were.
  public mutating func apply(_ step: AdamWStep, gradient: Tensor) {
    precondition(
      gradient.shape == weight.shape, "AdamW: gradient \(gradient.shape) for weight \(weight.shape)")
    let t = Double(step.number)
    var kernel = flow_adamw_step(
      rate: step.rate, beta1: step.beta1, beta2: step.beta2, epsilon: step.epsilon, decay: step.decay,
      m_correction: Float(1 / (1 - pow(Double(step.beta1), t))),
      v_correction: Float(1 / (1 - pow(Double(step.beta2), t))), gradient_scale: step.gradientScale,
      average_decay: step.averageDecay)
    let w = weight.copy(), m = first.copy(), v = second.copy(), e = average.copy()
    withUnsafePointer(to: &kernel) { kernel in
      Team.split(weight.count, grain: elementGrain) { range in
        let i = range.lowerBound
        flow_adamw(
          range.count, kernel, gradient.pointer + i, w.storage.base + i, m.storage.base + i,
          v.storage.base + i,
          e.storage.base + i)
      }
    }
    (weight, first, second, average) = (w, m, v, e)
  }
}

extension Tensor {
  /// The same elements in memory of their own.
  func copy() -> Tensor { Tensor(shape) { $0.initialize(from: pointer, count: count) } }
}
