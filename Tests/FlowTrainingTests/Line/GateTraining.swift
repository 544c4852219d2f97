// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowNN
import FlowTensor

/// The averaged weights of a small network, trained by Adam at a rate that falls to 0 over the second half.
///
/// - Parameter loss: of a step, from the weights, their moving average, the share of the steps taken, and its random numbers.
func trainedAverages(
  _ layout: ParameterLayout, steps: Int, rate: Float = 2e-3,
  loss: (_ p: Parameters, _ average: Parameters, _ progress: Double, _ random: inout Random) -> Variable
) -> [Tensor] {
  var trained = layout.initialize(seed: 1).map { TrainedTensor($0) }
  for number in 1...steps {
    let average = Parameters(trained.map(\.average)), progress = Double(number - 1) / Double(steps)
    let gradient = gradient(at: trained.map { Variable($0.weight) }) { weights in
      var random = Random(key: 1, stream: UInt64(number) << 20)
      return loss(Parameters(weights), average, progress, &random)
    }
    let left = 1 - Float(number) / Float(steps)
    let norm = Float(gradient.reduce(0) { $0 + $1.tensor.sumOfSquares }.squareRoot())
    let step = OptimiserStep(
      rate: rate * min(1, 2 * left + 0.01), beta1: 0.9, beta2: 0.95, epsilon: 1e-8, decay: 0, number: number,
      gradientScale: min(1, 5 / norm), averageDecay: min(0.999, Float(number) / Float(number + 10)))
    for index in gradient.indices { trained[index].apply(step, gradient: gradient[index].tensor) }
  }
  return trained.map(\.average)
}
