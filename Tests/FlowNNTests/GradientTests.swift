// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowNN
import FlowTensor
import Testing

@Suite("Gradients through whole networks")
struct GradientTests {
  @Test("every parameter of the transformer has the gradient of its differences")
  func transformer() {
    let model = CausalTransformer(
      CausalTransformerConfiguration(
        latentHeight: 2, latentWidth: 4, latentChannels: 2, width: 12, layers: 2, heads: 2, actions: 2,
        window: 2,
        sink: 1))
    let batch = FrameBatch(model.configuration, batch: 2, frames: 4, seed: 1)
    checkEveryParameter(model.layout) { batch.output(model, $0, positions: [0, 5, 6, 7]) }
  }

  @Test("every parameter of the autoencoder has the gradient of its differences")
  func autoencoder() {
    let model = Autoencoder(
      AutoencoderConfiguration(
        height: 16, width: 8, outerChannels: 4, innerChannels: 5, blocks: 1, latentChannels: 2))
    var random = Random(key: 2)
    let pictures = Variable(random.normal([2, 16, 8, 3]))
    checkEveryParameter(model.layout) { model.decode(model.encode(pictures, $0), $0) }
  }
}

/// Reverse-mode gradients against central differences, a parameter at a time, in a direction that is half the
/// gradient's own and half random.
func checkEveryParameter(_ layout: ParameterLayout, _ network: (Parameters) -> Variable) {
  let weights = randomWeights(layout, seed: 3)
  var random = Random(key: 4)
  let target = random.normal(network(Parameters(weights)).shape)
  let gradient = gradient(at: weights.map { Variable($0) }) {
    (network(Parameters($0)) - Variable(target)).map(.square).mean()
  }
  for (index, declaration) in layout.declarations.enumerated() {
    let g = gradient[index].tensor, noise = random.normal(g.shape)
    #expect(g.sumOfSquares > 0, "\(declaration.name) has no gradient")
    let direction = Tensor.combine(.add, unit(g), unit(noise))
    func loss(_ step: Float) -> Double {
      var moved = weights
      moved[index] = Tensor.combine(.add, weights[index], direction.affine(scale: step))
      // Summed in double: the rounding of a float sum would drown the difference.
      let error = Tensor.combine(.subtract, network(Parameters(moved)).tensor, target)
      return error.sumOfSquares / Double(error.count)
    }
    func slope(_ step: Float) -> Double { (loss(step) - loss(-step)) / Double(2 * step) }
    // Extrapolated: root-mean-square norms of few channels bend within a step that rounding allows.
    let difference = (4 * slope(5e-3) - slope(1e-2)) / 3
    let product = zip(g.elements, direction.elements).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    #expect(
      abs(difference - product) < 5e-3 * max(abs(product), 1e-2),
      "\(declaration.name): \(difference), \(product)")
  }
}

private func unit(_ x: Tensor) -> Tensor {
  x.affine(scale: Float(1 / max(x.sumOfSquares.squareRoot(), 1e-12)))
}
