// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowMaps
import FlowTensor
import Testing

@Suite("MeanFlow")
struct MeanFlowTests {
  @Test("the exact average velocity is its own target", arguments: FlowMapTests.data, [0, 2, 5])
  func fixedPoint(data: GaussianData, diagonal: Int) {
    let z = Variable(Tensor([-2, -0.5, 0.1, 1, 3], shape: [5, 1]))
    let t = Variable(Tensor([0.3, 0.9, 0.5, 1, 0.8], shape: [5, 1]))
    let earlier: [Float] = [0.1, 0.2, 0.3, 0, 0.6]
    let r = Variable(
      Tensor(zip(t.tensor.elements, earlier).enumerated().map { $0 < diagonal ? $1.0 : $1.1 }, shape: [5, 1]))
    let (prediction, target) = meanFlow(z, r: r, t: t, velocity: data.velocity(z, t), diagonal: diagonal) {
      z, r, t in data.average(z, r, t)
    }
    for (found, wanted) in zip(target.tensor.elements, prediction.tensor.elements) {
      #expect(abs(found - wanted) < 2e-5 * max(1, abs(wanted)))
    }
  }

  /// A small network of weights, state and times, with an offset for each sample.
  private static func network(
    _ w: [Variable], _ offsets: Variable
  ) -> (_ z: Variable, _ r: Variable, _ t: Variable) -> Variable {
    { z, r, t in
      let shape: Shape = [z.shape[0], 1, 1]
      let h = z * w[0] + t.reshaped(shape) * w[1] - r.reshaped(shape) * w[2]
      return h.map(.tanh) * w[3] + offsets
    }
  }

  @Test(
    "taking no tangents on the diagonal changes neither loss nor gradient", arguments: [Float(0), 0.5, 1])
  func diagonal(power: Float) {
    var random = Random(key: 3)
    let z = Variable(random.normal([6, 2, 3])), v = Variable(random.normal([6, 2, 3]))
    let t = random.uniform([6, 1]), offsets = Variable(random.normal([6, 2, 3]))
    let r = Tensor.combine(.multiply, t, Tensor([1, 1, 1, 1, 0.2, 0.7], shape: [6, 1]))
    let weights = (0..<4).map { _ in Variable(random.normal([1, 3])) }
    let results = [4, 0].map { diagonal in
      valueAndGradient(at: weights) { w in
        let (u, target) = meanFlow(
          z, r: Variable(r), t: Variable(t), velocity: v, diagonal: diagonal, of: Self.network(w, offsets))
        return adaptiveLoss(u, target, power: power)
      }
    }
    #expect(abs(results[0].value.tensor.item - results[1].value.tensor.item) < 1e-5)
    for (found, wanted) in zip(results[0].gradient, results[1].gradient) {
      for (found, wanted) in zip(found.tensor.elements, wanted.tensor.elements) {
        #expect(abs(found - wanted) < 1e-5 * max(1, abs(wanted)))
      }
    }
  }

  @Test("no gradient flows through the target nor through the weight of the loss")
  func stopped() {
    let z = Variable(Tensor([0.5, -1], shape: [2, 1]))
    let t = Variable(Tensor([0.8, 0.6], shape: [2, 1])), r = Variable(Tensor([0.1, 0.2], shape: [2, 1]))
    func loss(_ w: Variable, target: Variable?, weights: Variable?) -> Variable {
      let (u, own) = meanFlow(z, r: r, t: t, velocity: 2 * z, diagonal: 0) { z, r, t in w * z * t * (1 + r)
      }
      let error = (u - (target ?? own)).map(.square)
      return weights.map { (0.5 * $0 * error).sum() } ?? adaptiveLoss(u, own)
    }
    let w = Variable(1.5)
    let (u, target) = meanFlow(z, r: r, t: t, velocity: 2 * z, diagonal: 0) { z, r, t in
      w * z * t * (1 + r)
    }
    let weights = ((u - target).map(.square) + 1e-3).map(.reciprocal)
    let found = gradient(at: [w]) { loss($0[0], target: nil, weights: nil) }[0].tensor.item
    let wanted = gradient(at: [w]) { loss($0[0], target: target, weights: weights) }[0].tensor.item
    #expect(abs(found - wanted) < 1e-5 && abs(wanted) > 1e-2)
  }
}
