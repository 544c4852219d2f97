// SPDX-License-Identifier: Apache-2.0

internal import FlowManifolds
internal import FlowMaps
internal import FlowNN
internal import FlowTensor
internal import FoundationEssentials

/// The training of a manifold recipe, in `runs/NAME/flow`.
public struct ManifoldPipeline {
  let recipe: ManifoldRecipe
  let manifold: any Manifold
  let points: PointSet
  let stage: ManifoldStage
  private let folder: String

  /// Reads a recipe and its points; `data` defaults to `$FLOW_DATA`, then `data`.
  public init(recipePath: String, settings: [String] = [], runs: String, data: String?) throws {
    recipe = try ManifoldRecipe(path: recipePath, settings: settings)
    manifold = try recipe.space()
    points = try recipe.data.load(on: manifold, data: data ?? dataFolder())
    stage = ManifoldStage(recipe, points: points, manifold: manifold)
    folder = "\(runs)/\(recipe.name)/flow"
  }

  /// Trains to the recipe's end, or to step `limit`.
  public func train(until limit: Int?, progress: Progress) throws {
    var run = try TrainingRun(stage, folder: folder)
    try run.train(until: limit ?? .max, progress: progress)
  }

  /// The averaged weights of the last checkpoint.
  func averages() throws -> [Tensor] {
    let path = TrainingRun.checkpointPath(folder)
    guard FileManager.default.fileExists(atPath: path) else {
      throw TrainingError(.badCheckpoint, "\(path) is not there; train the recipe first")
    }
    return try Checkpoint(path: path, layout: stage.layout).averages
  }

  /// Draws what the trained map makes.
  public func drawSamples(to path: String) throws { try stage.samples(Parameters(averages())).write(to: path) }

  /// Draws samples by 1 and by 4 evaluations, or those of flow matching, under test points.
  public func drawPictures(into folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let map = stage.map(Parameters(try averages()))
    for steps in stage.step == .jump ? [1, 4] : [1, 4, 100] {
      var random = Random(key: 77)
      let samples = map.sample(
        manifold.samplePrior(20_000, &random), schedule: uniformSchedule(steps: steps), by: stage.step)
      let picture = PointPicture(
        manifold: manifold,
        title: "\(recipe.name), \(recipe.objective.target.rawValue): \(steps) evaluation\(steps == 1 ? "" : "s") "
          + "(density) and test points (dots)",
        generated: samples, data: points.test)
      try picture.write(to: "\(folder)/\(recipe.name)-\(steps).svg")
    }
  }

  /// Evaluates the trained map.
  public func evaluate(_ settings: ManifoldEvaluation.Settings, progress: Progress) throws -> ManifoldEvaluation {
    try evaluate(averages(), settings, progress: progress)
  }

  func evaluate(_ weights: [Tensor], _ settings: ManifoldEvaluation.Settings, progress: Progress) throws
    -> ManifoldEvaluation
  {
    ManifoldEvaluation(
      recipe, map: stage.map(Parameters(weights)), step: stage.step, points: points, settings, progress: progress)
  }
}
