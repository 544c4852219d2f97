// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowMaps
internal import FlowNN
internal import FlowTensor

/// Draws pictures towards a reward by a meta flow map (2601.14430), whose one jump from noise samples the pictures that a
/// noised one may become.
///
/// The law tilted by e^reward has the velocity v* = v − t/(1 − t)·∇V with V(z, t) = log E[e^reward given z_t = z]: its score
/// is that of the law plus ∇V, and a score S means the velocity −(z + t·S)/(1 − t). V is had of some jumps, its gradient
/// through them.
struct PictureSteering {
  private let model: PictureModel
  private let parameters: Parameters
  /// log p of the asked class, [count, 1].
  private let reward: (_ pictures: Variable, _ labels: [Int32]) -> Variable

  init(
    _ model: PictureModel, _ p: Parameters,
    reward: @escaping (_ pictures: Variable, _ labels: [Int32]) -> Variable
  ) {
    self.model = model
    parameters = p.detached
    self.reward = reward
  }

  /// The reward is the log probability that a classifier gives the asked class.
  init(_ model: PictureModel, _ p: Parameters, judge: PictureJudge) {
    self.init(model, p) { judge.logProbability(of: $1, in: $0) }
  }

  /// Pictures that no class is asked for, drawn towards the reward of `labels`.
  ///
  /// - Parameters:
  ///   - steps: of Euler's method: one evaluation for the velocity, and for each particle one and its gradient.
  ///   - particles: jumps that V is had of.
  func steered(_ labels: [Int32], steps: Int, particles: Int, seed: UInt64) -> Tensor {
    var random = Random(key: seed, stream: 1 << 55)
    let count = labels.count, size = model.picture.count
    var z = Variable(random.normal([count, size]))
    for step in 0..<steps {
      let t = 1 - Float(step) / Float(steps)
      let noise = Variable(random.normal([count, size]))
      // The inner velocity at noise alone is e − E[data given z].
      let data = noise - posterior(z, t).velocity(noise, at: column(1, count)).detached
      let velocity = (1 / t) * (z - data.detached)
      let pull = slope(at: z, t, labels, particles, &random)
      // Near t = 1 the factor has no bound, and V hardly a slope.
      z = (z - (1 / Float(steps)) * (velocity - min(t / (1 - t + 1e-6), 8) * pull)).detached
    }
    return z.tensor.reshaped(Shape([count] + model.picture.extents))
  }

  /// The best of some one-jump pictures that no class is asked for.
  func best(of tries: Int, _ labels: [Int32], seed: UInt64) -> Tensor {
    var random = Random(key: seed, stream: 1 << 54)
    let count = labels.count, size = model.picture.count
    var best: [Float] = [], rows: [Tensor] = []
    for _ in 0..<tries {
      let given = Variable(random.normal([count, size])), noise = Variable(random.normal([count, size]))
      let made = posterior(given, 1).jump(noise, from: column(1, count), to: column(0, count)).detached
      let rewards = reward(model.pictures(made), labels).tensor.elements
      if best.isEmpty { (best, rows) = (rewards, (0..<count).map { made.tensor.rows($0..<$0 + 1) }) }
      for row in 0..<count where rewards[row] > best[row] {
        (best[row], rows[row]) = (rewards[row], made.tensor.rows(row..<row + 1))
      }
    }
    return Tensor.concatenate(rows, axis: 0).reshaped(Shape([count] + model.picture.extents))
  }

  /// The mean probability of the asked classes.
  func meanProbability(_ pictures: Tensor, _ labels: [Int32]) -> Double {
    Double(reward(Variable(pictures), labels).map(.exp).mean().tensor.item)
  }

  /// ∇V at states of one time.
  private func slope(
    at z: Variable, _ t: Float, _ labels: [Int32], _ particles: Int, _ random: inout Random
  ) -> Variable {
    let count = labels.count, noises = (0..<particles).map { _ in random.normal(z.shape) }
    return gradient(at: [z]) { states in
      let map = posterior(states[0], t)
      let rewards = noises.map { noise -> Variable in
        let made = map.jump(Variable(noise), from: column(1, count), to: column(0, count))
        return reward(model.pictures(made), labels)
      }
      // log of the mean, but for a constant.
      return concatenate(rewards, axis: 1).logSumExp(axis: 1).sum()
    }[0].detached
  }

  /// The map from noise to the pictures that states of one time may become.
  private func posterior(_ z: Variable, _ t: Float) -> ManifoldMap {
    let count = z.shape[0], null = model.network.configuration.nullClass
    let asked = PictureConditions(
      labels: [Int32](repeating: null, count: count), scalars: [column(t, count)], given: model.pictures(z))
    return model.map(asked, parameters)
  }
}
