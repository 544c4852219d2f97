// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowNN
internal import FlowTensor
internal import FoundationEssentials

/// The training of a classifier of pictures, in `runs/NAME/classifier`.
public struct ClassifierPipeline {
  private let recipe: ClassifierRecipe
  private let stage: ClassifierStage
  private let folder: RunFolder

  /// Reads a recipe and its pictures; `data` defaults to `$FLOW_DATA`, then `data`.
  public init(recipePath: String, settings: [String] = [], runs: String, data: String?) throws {
    recipe = try ClassifierRecipe(path: recipePath, settings: settings)
    let pictures = try PictureSet(folder: "\(data ?? dataFolder())/images/\(recipe.pictures)")
    stage = ClassifierStage(recipe, pictures: pictures)
    folder = RunFolder("\(runs)/\(recipe.name)/classifier", recipePath: recipePath, settings: settings)
  }

  /// Whether there is a checkpoint to go on from.
  var hasBegun: Bool { folder.hasCheckpoint }

  /// Trains to the recipe's end, or to step `limit`.
  public func train(until limit: Int? = nil, progress: Progress) throws {
    try folder.claim(trainsAlike)
    var run = try TrainingRun(stage, folder: folder.path)
    try run.train(until: limit ?? .max, progress: progress)
  }

  /// Writes the averaged weights of the last checkpoint, with the test accuracy, to `path`.
  public func pack(to path: String) throws {
    try folder.check(remedy: "give the --set that it was trained with", trainsAlike)
    let weights = try Checkpoint(path: folder.checkpoint(), layout: stage.layout).averages
    try ClassifierFile.write(stage.model, weights: weights, accuracy: stage.accuracy(weights), to: path)
  }

  private func trainsAlike(_ path: String) throws -> Bool {
    try ClassifierRecipe(path: path).trainsLike(recipe)
  }
}

/// A packed classifier: its weights, and its shape and test accuracy in the metadata.
struct ClassifierFile {
  let model: PictureClassifier
  let weights: [Tensor]
  let accuracy: Double

  init(path: String) throws {
    let file = try SafetensorsFile(path: path)
    let text = file.metadata["classifier"] ?? ""
    guard
      let shape = try? JSONDecoder().decode(PictureClassifier.Configuration.self, from: Data(text.utf8)),
      let accuracy = file.metadata["accuracy"].flatMap(Double.init)
    else {
      throw TrainingError(
        .badCheckpoint, "\(path): the metadata lack the shape of a classifier; pack it with flowtrain")
    }
    let model = PictureClassifier(shape)
    self.model = model
    self.accuracy = accuracy
    weights = try model.layout.declarations.map { try file.tensor($0.name, shape: $0.shape) }
  }

  static func write(_ model: PictureClassifier, weights: [Tensor], accuracy: Double, to path: String) throws {
    var writer = SafetensorsWriter()
    for (declaration, weight) in zip(model.layout.declarations, weights) {
      writer.add(declaration.name, weight)
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let shape = String(decoding: try encoder.encode(model.configuration), as: UTF8.self)
    try writer.write(to: path, metadata: ["classifier": shape, "accuracy": "\(accuracy)"])
  }

  /// A judge of pictures against these.
  func judge(test: PictureSet.Part) -> PictureJudge { PictureJudge(model, weights: weights, test: test) }
}
