// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowNN
internal import FlowTensor
internal import FoundationEssentials

/// The training of a classifier of pictures, in `runs/NAME/classifier`.
public struct ClassifierPipeline {
  private let stage: ClassifierStage
  private let folder: String
  private let recipePath: String
  private let settings: [String]

  /// Reads a recipe and its pictures; `data` defaults to `$FLOW_DATA`, then `data`.
  public init(recipePath: String, settings: [String] = [], runs: String, data: String?) throws {
    let recipe: ClassifierRecipe = try RecipeFile(path: recipePath, settings: settings).decode()
    if let fault = recipe.optimiser.fault {
      throw TrainingError(.badRecipe, "\(recipePath): optimiser.\(fault)")
    }
    let pictures = try PictureSet(folder: "\(data ?? dataFolder())/images/\(recipe.pictures)")
    stage = ClassifierStage(recipe, pictures: pictures)
    folder = "\(runs)/\(recipe.name)/classifier"
    self.recipePath = recipePath
    self.settings = settings
  }

  /// The recipe as YAML, with what it extends and its settings in place.
  func resolvedRecipe() throws -> String {
    try RecipeFile(path: recipePath, settings: settings).text()
  }

  /// Whether there is a checkpoint to go on from.
  var hasBegun: Bool {
    FileManager.default.fileExists(atPath: TrainingRun.checkpointPath(folder))
  }

  /// Trains to the recipe's end, or to step `limit`.
  public func train(until limit: Int? = nil, progress: Progress) throws {
    var run = try TrainingRun(stage, folder: folder)
    try run.train(until: limit ?? .max, progress: progress)
  }

  /// Writes the averaged weights of the last checkpoint, with the test accuracy, to `path`.
  public func pack(to path: String) throws {
    let checkpoint = try Checkpoint(path: TrainingRun.checkpointPath(folder), layout: stage.layout)
    try ClassifierFile.write(
      stage.model, weights: checkpoint.averages, accuracy: stage.accuracy(checkpoint.averages), to: path)
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
