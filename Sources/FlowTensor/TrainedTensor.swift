// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

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
  public mutating func apply(_ step: OptimiserStep, gradient: Tensor) {
    precondition(
      gradient.shape == weight.shape, "optimiser: gradient \(gradient.shape) for weight \(weight.shape)")
    step.method == .muon ? applyOrthogonal(step, gradient) : run(step.kernel, gradient)
  }

  /// m ← β₁·m + g; the direction is that of g + β₁·m made orthogonal, its length that of Adam's steps.
  private mutating func applyOrthogonal(_ step: OptimiserStep, _ gradient: Tensor) {
    precondition(weight.shape.rank == 2, "muon: a weight of shape \(weight.shape) is no matrix")
    let g = gradient.affine(scale: step.gradientScale)
    let momentum = Tensor.combine(.add, first.affine(scale: step.beta1), g)
    let ahead = Tensor.combine(.add, g, momentum.affine(scale: step.beta1))
    let length = 0.2 * Float(max(weight.shape[0], weight.shape[1])).squareRoot()
    run(step.kernel, ahead.orthogonalised().affine(scale: length))
    first = momentum
  }

  private mutating func run(_ settings: flow_adamw_step, _ gradient: Tensor) {
    var kernel = settings
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
