// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowNN
internal import FlowTensor

/// How the classifier is made that pictures are judged by.
struct ClassifierRecipe: Sendable, Codable, Equatable {
  /// The name of its run.
  var name: String
  /// One sentence.
  var summary: String
  /// The folder of the pictures under `$FLOW_DATA/images`.
  var pictures: String
  /// Channels of its first layer, and numbers in a row of features.
  var classifier: Shape

  struct Shape: Sendable, Codable, Equatable {
    var features: Int
    var embedding: Int
  }

  /// Pictures a step.
  var batch: Int
  /// The optimiser.
  var optimiser: OptimiserRecipe

  /// Reads a recipe; `settings` replace what it says. Throws ``TrainingError``.
  init(path: String, settings: [String] = []) throws {
    self = try RecipeFile(path: path, settings: settings).decode()
    if !(1...4096).contains(batch) { throw TrainingError(.badRecipe, "\(path): batch must lie in 1…4096") }
    if let fault = optimiser.fault { throw TrainingError(.badRecipe, "\(path): optimiser.\(fault)") }
  }

  /// Whether a checkpoint of one of these recipes goes on under the other: all but words is the same.
  func trainsLike(_ other: ClassifierRecipe) -> Bool {
    var copy = other
    copy.summary = summary
    copy.optimiser.report = optimiser.report
    return copy == self
  }
}

/// Training of the classifier by cross-entropy, on pictures moved by up to two pixels.
struct ClassifierStage: TrainingStage {
  let name = "classifier"
  let model: PictureClassifier
  private let recipe: ClassifierRecipe
  private let pictures: PictureSet

  init(_ recipe: ClassifierRecipe, pictures: PictureSet) {
    model = PictureClassifier(
      PictureClassifier.Configuration(
        height: pictures.shape[0], width: pictures.shape[1], channels: pictures.shape[2],
        classes: pictures.classes, features: recipe.classifier.features,
        embedding: recipe.classifier.embedding))
    self.recipe = recipe
    self.pictures = pictures
  }

  var layout: ParameterLayout { model.layout }
  var optimiser: OptimiserRecipe { recipe.optimiser }
  var examplesPerStep: Int { recipe.batch }

  func initialWeights() -> [Tensor] { layout.initialize(seed: optimiser.seed) }

  func loss(_ p: Parameters, average: Parameters, progress: Double, random: inout Random) -> Variable {
    let all = pictures.training
    let indices = random.uniforms(recipe.batch).map { min(all.count - 1, Int($0 * Float(all.count))) }
    let moved = Self.moved(
      all.pictures(indices), down: random.integer(in: -2..<3), right: random.integer(in: -2..<3))
    let logits = model.logits(model.features(Variable(moved), p), p), classes = logits.shape[1]
    let asked = indices.flatMap { index in (0..<classes).map { $0 == Int(all.labels[index]) ? Float(1) : 0 } }
    let right = (logits * Variable(Tensor(asked, shape: logits.shape))).sum(axis: 1)
    return (logits.logSumExp(axis: 1).reshaped([recipe.batch]) - right).mean()
  }

  /// Pictures, moved; what comes in is background, −1.
  private static func moved(_ x: Tensor, down: Int, right: Int) -> Tensor {
    let (h, w) = (x.shape[1], x.shape[2])
    let shifted = x.affine(scale: 1, shift: 1)
      .padded(axis: 1, before: max(0, down), after: max(0, -down))
      .padded(axis: 2, before: max(0, right), after: max(0, -right))
    let rows = max(0, -down), columns = max(0, -right)
    return shifted.slice(axis: 1, rows..<rows + h).slice(axis: 2, columns..<columns + w)
      .affine(scale: 1, shift: -1)
  }

  func validate(_ p: Parameters) -> [(name: String, value: Double)] {
    [("test accuracy", accuracy(p.values.map(\.tensor)))]
  }

  /// The share of test pictures that it takes for what they are.
  func accuracy(_ weights: [Tensor]) -> Double {
    let test = pictures.test
    let found = PictureJudge.answers(model, weights, test.count) { test.pictures($0) }.classes
    return Double(zip(found, test.labels).count { $0 == $1 }) / Double(test.count)
  }

  /// Test pictures, a row of each class that they are taken for.
  func samples(_ p: Parameters) -> any SamplePicture {
    let test = pictures.test, count = min(2000, test.count)
    let found = PictureJudge.answers(model, p.values.map(\.tensor), count) { test.pictures($0) }.classes
    return SampleSheet.grey(
      rows: (0..<pictures.classes).map { kind in
        let some = (0..<count).filter { found[$0] == kind }.prefix(10)
        return test.pictures((0..<10).map { $0 < some.count ? some[$0] : 0 })
      })
  }
}

extension SampleSheet {
  /// A sheet of grey pictures, each row [count, height, width, 1].
  static func grey(rows: [Tensor]) -> SampleSheet {
    SampleSheet(
      rows: rows.map { row in
        row.shape[3] == 3 ? row : Tensor.concatenate([row, row, row], axis: 3)
      })
  }
}
