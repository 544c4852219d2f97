// SPDX-License-Identifier: Apache-2.0

internal import FlowNN
public import FlowTensor
internal import Glibc

/// An optimiser, its schedule, and when to look.
public struct OptimiserRecipe: Sendable, Codable, Equatable {
  /// How the step length falls after it has been reached.
  public enum Schedule: String, Sendable, NamedChoice {
    /// A cosine, down to a twentieth.
    case cosine
    /// Not at all.
    case constant
    /// A straight line, down to 0.
    case linear
    /// As √(warmup/number).
    case inverseSquareRoot
  }

  /// The method; adamW if absent. Of muon's, matrices between hidden layers alone, the rest by adamW.
  public var method: OptimiserMethod?
  /// Steps in all.
  public var steps: Int
  /// The largest step length, reached after `warmup` steps.
  public var rate: Float
  /// Steps of linear growth.
  public var warmup: Int
  /// How it falls; a cosine if absent.
  public var schedule: Schedule?
  /// Decay of the first moment; 0.9 if absent.
  public var beta1: Float?
  /// Decay of the second moment.
  public var beta2: Float
  /// Decoupled weight decay.
  public var decay: Float
  /// The norm that gradients are clipped to.
  public var clip: Float
  /// Decay of the moving average of the weights.
  public var averageDecay: Float
  /// γ of an average that forgets in proportion to its age, (1 − 1/number)^(γ + 1), in place of the decay (Karras et al.
  /// 2024, equation 123); the decay if absent.
  public var averagePower: Float?
  /// Decides everything random.
  public var seed: UInt64
  /// Steps between validations, sample sheets and checkpoints.
  public var report: Int
  /// How the operands of matrix products are rounded; weights, sums and everything else are float32.
  public var precision: MatmulPrecision

  /// The step length at step `number`, from 1.
  func rate(at number: Int) -> Float {
    if number <= warmup { return rate * Float(number) / Float(max(warmup, 1)) }
    let done = Float(number - warmup) / Float(max(steps - warmup, 1))
    switch schedule ?? .cosine {
    case .cosine: return rate * (0.05 + 0.95 * 0.5 * (1 + cosine(done * .pi)))
    case .constant: return rate
    case .linear: return rate * (1 - done)
    case .inverseSquareRoot: return rate * (Float(max(warmup, 1)) / Float(number)).squareRoot()
    }
  }

  /// What the moving average keeps at step `number`. Early averages forget quickly, so that they do not keep the beginning.
  func averageDecay(at number: Int) -> Float {
    if let averagePower { return pow(1 - 1 / Float(number), averagePower + 1) }
    return min(averageDecay, Float(number) / Float(number + 10))
  }

  /// The step of a parameter.
  func step(_ number: Int, norm: Float, of declaration: ParameterLayout.Declaration) -> OptimiserStep {
    var step = OptimiserStep(
      rate: rate(at: number), beta1: beta1 ?? 0.9, beta2: beta2, epsilon: 1e-8, decay: decay, number: number,
      gradientScale: norm > clip ? clip / norm : 1, averageDecay: averageDecay(at: number))
    step.method = method ?? .adamW
    if step.method == .muon, !declaration.isHiddenMatrix { step.method = .adamW }
    return step
  }
}

extension ParameterLayout.Declaration {
  /// Whether it is a matrix from hidden numbers to hidden numbers.
  fileprivate var isHiddenMatrix: Bool {
    let isMatrix = shape.rank == 2 && shape[0] > 1 && shape[1] > 1
    return isMatrix && !["embedding", "head", "log_variance"].contains { name.contains($0) }
  }
}
