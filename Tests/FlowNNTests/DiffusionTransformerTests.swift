// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowNN
import FlowTensor
import Testing

@Suite("DiffusionTransformer")
struct DiffusionTransformerTests {
  static func configuration(layers: Int = 2, classes: Int = 3) -> DiffusionTransformerConfiguration {
    DiffusionTransformerConfiguration(
      pictureHeight: 6, pictureWidth: 4, pictureChannels: 3, patch: 2, width: 8, layers: layers, heads: 2,
      expansion: 2, classes: classes, timeScale: 3)
  }

  @Test("an answer has the shape of the pictures, for every batch", arguments: [1, 5])
  func shapes(batch: Int) {
    let model = DiffusionTransformer(Self.configuration())
    let pictures = PictureBatch(model.configuration, batch: batch, seed: 1)
    let answer = pictures.output(model, Parameters(randomWeights(model.layout, seed: 2)))
    #expect(answer.shape == pictures.z.shape)
    #expect(answer.tensor.isFinite && answer.tensor.sumOfSquares > 1)
  }

  @Test("a fresh model answers zero")
  func zero() {
    let model = DiffusionTransformer(Self.configuration())
    let pictures = PictureBatch(model.configuration, batch: 2, seed: 1)
    let answer = pictures.output(model, Parameters(model.layout.initialize(seed: 2)))
    #expect(answer.tensor.elements.allSatisfy { $0 == 0 })
  }

  @Test("fresh blocks pass their input on: a model answers as one without blocks")
  func identity() {
    let deep = DiffusionTransformer(Self.configuration()),
      flat = DiffusionTransformer(Self.configuration(layers: 0))
    let pictures = PictureBatch(deep.configuration, batch: 2, seed: 1)
    let weights = { (model: DiffusionTransformer) in
      zip(model.layout.declarations, model.layout.initialize(seed: 3)).map { declaration, fresh in
        // A head that is the same for both, and shows what reaches it.
        declaration.name == "head.linear.weight"
          ? {
            var random = Random(key: 4); return random.normal(declaration.shape)
          }() : fresh
      }
    }
    // Parameters are drawn by their place in the layout: take those that both have from the flat model.
    let shared = Dictionary(uniqueKeysWithValues: zip(flat.layout.declarations.map(\.name), weights(flat)))
    let deepWeights = zip(deep.layout.declarations, weights(deep)).map { shared[$0.name] ?? $1 }
    let answer = pictures.output(deep, Parameters(deepWeights)).tensor
    #expect(answer.elements == pictures.output(flat, Parameters(weights(flat))).tensor.elements)
    #expect(answer.sumOfSquares > 1)
  }

  @Test("weights that forget lengths answer at every r as at r = t did, and learn lengths still")
  func forgettingLengths() {
    let model = DiffusionTransformer(Self.configuration())
    let pictures = PictureBatch(model.configuration, batch: 3, seed: 1)
    let weights = randomWeights(model.layout, seed: 2), forgotten = model.forgettingLengths(weights, seed: 3)
    var still = pictures
    still.r = pictures.t
    let wanted = still.output(model, Parameters(weights)).tensor.elements
    let error = { (pictures: PictureBatch, weights: [Tensor]) in
      zip(pictures.output(model, Parameters(weights)).tensor.elements, wanted).map { abs($0 - $1) }.max() ?? 0
    }
    #expect(error(pictures, weights) > 1e-2)
    #expect(error(still, forgotten) < 1e-5)
    #expect(error(pictures, forgotten) < 1e-5)
    let named = Dictionary(uniqueKeysWithValues: zip(model.layout.declarations.map(\.name), forgotten))
    #expect((named["interval_embedding.0.weight"]?.sumOfSquares ?? 0) > 0)
  }

  @Test("every parameter has the gradient of its differences", arguments: [0, 3])
  func gradients(classes: Int) {
    let model = DiffusionTransformer(Self.configuration(classes: classes))
    let pictures = PictureBatch(model.configuration, batch: 3, seed: 1)
    checkEveryParameter(model.layout) { pictures.output(model, $0) }
  }

  @Test("pictures of a batch are independent; label, times and state each change the answer")
  func dependence() {
    let model = DiffusionTransformer(Self.configuration())
    let parameters = Parameters(randomWeights(model.layout, seed: 2))
    let pictures = PictureBatch(model.configuration, batch: 2, seed: 1)
    let answer = pictures.output(model, parameters).tensor
    let changes: [(String, (inout PictureBatch) -> Void)] = [
      ("label", { $0.labels[1] = ($0.labels[1] + 1) % 4 }),
      ("r", { $0.r = Self.moved($0.r, row: 1) }),
      ("t", { $0.t = Self.moved($0.t, row: 1) }),
      ("z", { $0.z = Self.moved($0.z, row: 1) }),
    ]
    for (name, change) in changes {
      var other = pictures
      change(&other)
      let changed = other.output(model, parameters).tensor
      #expect(changed.rows(0..<1).elements == answer.rows(0..<1).elements, "\(name)")
      #expect(distance(changed.rows(1..<2), answer.rows(1..<2)) > 1e-3, "\(name)")
    }
  }

  @Test("patches at different places are told apart")
  func positions() {
    let model = DiffusionTransformer(Self.configuration())
    let pictures = PictureBatch(model.configuration, batch: 1, seed: 1)
    var uniform = pictures
    uniform.z = Tensor(repeating: 0.5, shape: pictures.z.shape)
    let answer = uniform.output(model, Parameters(randomWeights(model.layout, seed: 2))).tensor
    let elements = answer.elements
    let corners: [[Float]] = (0..<6).map { patch in
      let pixel = patch / 2 * 2 * 4 + patch % 2 * 2
      return Array(elements[pixel * 3..<pixel * 3 + 3])
    }
    for first in corners.indices {
      for second in corners[..<first] {
        #expect(zip(corners[first], second).contains { abs($0 - $1) > 1e-3 })
      }
    }
  }

  private static func moved(_ x: Tensor, row: Int) -> Tensor {
    Tensor.concatenate([x.rows(0..<row), x.rows(row..<x.shape[0]).affine(scale: 0.5, shift: 0.1)], axis: 0)
  }
}

/// A batch of pictures for a ``DiffusionTransformer``, with everything random.
private struct PictureBatch {
  var z: Tensor
  var r: Tensor
  var t: Tensor
  var labels: [Int32]

  init(_ c: DiffusionTransformerConfiguration, batch: Int, seed: UInt64) {
    var random = Random(key: seed)
    z = random.normal([batch, c.pictureHeight, c.pictureWidth, c.pictureChannels])
    t = random.uniform([batch, 1])
    r = Tensor.combine(.multiply, t, random.uniform([batch, 1]))
    // The null class is one of them.
    labels = c.classes == 0 ? [] : (0..<batch).map { Int32($0 % (c.classes + 1)) }
  }

  func output(_ model: DiffusionTransformer, _ parameters: Parameters) -> Variable {
    model(Variable(z), r: Variable(r), t: Variable(t), PictureConditions(labels: labels), parameters)
  }
}
