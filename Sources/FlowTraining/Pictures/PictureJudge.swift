// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowNN
internal import FlowTensor

/// Measures generated pictures by the features of a classifier, against test pictures.
struct PictureJudge: Sendable {
  let classifier: PictureClassifier
  private let weights: [Tensor]
  private let test: FeatureSet
  private let classes: Int

  init(_ classifier: PictureClassifier, weights: [Tensor], test: PictureSet.Part) {
    self.classifier = classifier
    self.weights = weights
    classes = classifier.configuration.classes
    self.test = FeatureSet(Self.answers(classifier, weights, test.count) { test.pictures($0) }.features)
  }

  /// Features and the most likely class of pictures, some hundreds at a time.
  static func answers(
    _ classifier: PictureClassifier, _ weights: [Tensor], _ count: Int, _ pictures: (Range<Int>) -> Tensor
  ) -> (features: Tensor, classes: [Int32]) {
    let p = Parameters(weights), size = 500
    var features: [Tensor] = [], found: [Int32] = []
    for first in stride(from: 0, to: count, by: size) {
      let some = classifier.features(Variable(pictures(first..<min(first + size, count))), p)
      features.append(some.tensor)
      let logits = classifier.logits(some, p).tensor, width = logits.shape[1], values = logits.elements
      found += (0..<logits.shape[0]).map { row in
        Int32((0..<width).max { values[row * width + $0] < values[row * width + $1] }!)
      }
    }
    return (Tensor.concatenate(features, axis: 0), found)
  }

  /// The measures of pictures that were asked of classes.
  func measures(_ pictures: Tensor, asked labels: [Int32]) -> PictureMeasures {
    let answers = Self.answers(classifier, weights, labels.count) { pictures.rows($0) }
    let made = FeatureSet(answers.features)
    let nearest = made.precisionAndRecall(of: test)
    return PictureMeasures(
      distance: made.frechetDistance(to: test), kernelDistance: made.kernelDistance(to: test),
      precision: nearest.precision, recall: nearest.recall,
      agreement: Double(zip(answers.classes, labels).count { $0 == $1 }) / Double(labels.count))
  }

  /// log p(class given picture) by the classifier, [count, 1].
  func logProbability(of labels: [Int32], in pictures: Variable) -> Variable {
    let p = Parameters(weights), logits = classifier.logits(classifier.features(pictures, p), p)
    let asked = labels.flatMap { label in (0..<classes).map { $0 == Int(label) ? Float(1) : 0 } }
    let chosen = (logits * Variable(Tensor(asked, shape: logits.shape))).sum(axes: [1], keepingAxes: true)
    return chosen - logits.logSumExp(axis: 1).reshaped([labels.count, 1])
  }

  /// What a report says: the distance after one evaluation and after four.
  func figures(_ sampler: PictureSampler) -> [(name: String, value: Double)] {
    let labels = (0..<1000).map { Int32($0 % classes) }
    return [1, 4].flatMap { evaluations -> [(name: String, value: Double)] in
      let made = sampler.sample(labels, evaluations: evaluations, seed: 4711)
      let answers = Self.answers(classifier, weights, labels.count) { made.rows($0) }
      return [("FD \(evaluations)", FeatureSet(answers.features).frechetDistance(to: test))]
    }
  }
}

/// How alike generated pictures and true ones are.
public struct PictureMeasures: Sendable, Codable, Equatable {
  /// The Fréchet distance of features: of the normal laws with their means and covariances.
  public var distance: Double
  /// The unbiased squared maximum mean discrepancy with the cubic kernel, times 1000 ("KID").
  public var kernelDistance: Double
  /// The share of generated pictures that lie among true ones.
  public var precision: Double
  /// The share of true pictures that lie among generated ones.
  public var recall: Double
  /// The share of pictures that the classifier takes for what was asked.
  public var agreement: Double
}
