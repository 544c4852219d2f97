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
/// written after they are made, and that only while no copy of them is held elsewhere.
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

  /// Takes one step along `gradient`: one pass over memory, in place.
  ///
  /// Copies handed out before stay as they were: what somebody else still holds is copied first, which costs time
  /// and memory. Let go of the weights that a gradient was taken at before the step.
  public mutating func apply(_ step: AdamWStep, gradient: Tensor) {
    precondition(
      gradient.shape == weight.shape, "AdamW: gradient \(gradient.shape) for weight \(weight.shape)")
    let t = Double(step.number)
    var kernel = flow_adamw_step(
      rate: step.rate, beta1: step.beta1, beta2: step.beta2, epsilon: step.epsilon, decay: step.decay,
      m_correction: Float(1 / (1 - pow(Double(step.beta1), t))),
      v_correction: Float(1 / (1 - pow(Double(step.beta2), t))), gradient_scale: step.gradientScale,
      average_decay: step.averageDecay)
    let w = weight.ownPointer(), m = first.ownPointer(), v = second.ownPointer(), e = average.ownPointer()
    withUnsafePointer(to: &kernel) { kernel in
      Team.split(weight.count, grain: elementGrain) { range in
        let i = range.lowerBound
        flow_adamw(range.count, kernel, gradient.pointer + i, w + i, m + i, v + i, e + i)
      }
    }
  }
}

extension Tensor {
  /// The elements, to be written in place by the only holder of this tensor's memory: where another tensor shares
  /// it, this one gets memory of its own first.
  fileprivate mutating func ownPointer() -> UnsafeMutablePointer<Float> {
    if !isKnownUniquelyReferenced(&storage) { self = copy() }
    return storage.base + offset
  }

  /// The same elements in memory of their own.
  func copy() -> Tensor {
    Tensor(shape) { result in
      Team.split(count, grain: 4 * elementGrain) { range in
        (result + range.lowerBound).initialize(from: pointer + range.lowerBound, count: range.count)
      }
    }
  }
}
