// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowNN
internal import FlowTensor
internal import FoundationEssentials

/// The training of a recipe of pictures, in `runs/NAME/flow`.
public struct PicturePipeline {
  let recipe: PictureRecipe
  let stage: PictureStage
  let pictures: PictureSet
  let judge: PictureJudge?
  private let folder: RunFolder

  /// Reads a recipe, its pictures and its teacher; `data` defaults to `$FLOW_DATA`, then `data`.
  public init(recipePath: String, settings: [String] = [], runs: String, data: String?) throws {
    let recipe = try PictureRecipe(path: recipePath, settings: settings)
    self.recipe = recipe
    folder = RunFolder("\(runs)/\(recipe.name)/flow", recipePath: recipePath, settings: settings)
    let pictures = try PictureSet(folder: "\(data ?? dataFolder())/images/\(recipe.pictures)")
    let judge = try Self.judge(recipe, beside: recipePath, pictures: pictures)
    self.pictures = pictures
    self.judge = judge
    let teacher = try recipe.teacher.map {
      try Self.teacher($0, beside: recipePath, runs: runs, pictures: pictures)
    }
    stage = try PictureStage(recipe, pictures: pictures, teacher: teacher, judge: judge)
  }

  /// The classifier that the recipe names, or nil if it names none.
  private static func judge(_ recipe: PictureRecipe, beside path: String, pictures: PictureSet) throws
    -> PictureJudge?
  {
    try recipe.classifier.map {
      try ClassifierFile(path: RecipeFile.folder(of: path) + $0).judge(test: pictures.test)
    }
  }

  private static func teacher(
    _ settings: PictureTeacherRecipe, beside path: String, runs: String, pictures: PictureSet
  ) throws -> PictureTeacher {
    let (model, weights, recipe) = try trained(settings.recipe, beside: path, runs: runs, pictures: pictures)
    let weak = try settings.weak.map { try trained($0, beside: path, runs: runs, pictures: pictures) }
    return PictureTeacher(
      model: model, weights: weights, knowsJumps: recipe.objective.target != .none,
      scale: Float(settings.scale ?? 1), weak: weak.map { ($0.model, $0.weights) })
  }

  /// The recipes of the teachers that a recipe wants and that have no checkpoint yet, those of teachers first.
  public static func untrainedTeachers(recipePath: String, settings: [String], runs: String) throws
    -> [String]
  {
    let recipe = try PictureRecipe(path: recipePath, settings: settings)
    guard let teacher = recipe.teacher else {
      throw TrainingError(.badRecipe, "\(recipePath) learns from no teacher; use flowtrain train")
    }
    return try ([teacher.recipe] + (teacher.weak.map { [$0] } ?? [])).flatMap { name -> [String] in
      let path = "\(RecipeFile.folder(of: recipePath))\(name).yaml", own = try PictureRecipe(path: path)
      if FileManager.default.fileExists(atPath: TrainingRun.checkpointPath("\(runs)/\(own.name)/flow")) {
        return []
      }
      let first =
        own.teacher == nil ? [] : try untrainedTeachers(recipePath: path, settings: [], runs: runs)
      return first + [path]
    }
  }

  /// The averaged weights of the run of a recipe beside this one.
  private static func trained(
    _ name: String, beside path: String, runs: String, pictures: PictureSet
  ) throws -> (model: PictureModel, weights: [Tensor], recipe: PictureRecipe) {
    let recipePath = "\(RecipeFile.folder(of: path))\(name).yaml"
    let recipe = try PictureRecipe(path: recipePath)
    let checkpoint = TrainingRun.checkpointPath("\(runs)/\(recipe.name)/flow")
    guard FileManager.default.fileExists(atPath: checkpoint) else {
      throw TrainingError(
        .badCheckpoint, "\(checkpoint) is not there; train the teacher first: flowtrain train \(recipePath)")
    }
    let model = try PictureModel(recipe.network, pictures: pictures.shape, classes: pictures.classes)
    var layout = ParameterLayout()
    _ = layout.declare(model.network.layout, under: "network")
    return (model, try Checkpoint(path: checkpoint, layout: layout).averages, recipe)
  }

  /// Whether there is a checkpoint to go on from.
  var hasBegun: Bool { folder.hasCheckpoint }

  /// Trains to the recipe's end, or to step `limit`.
  public func train(until limit: Int? = nil, progress: Progress) throws {
    var run = try openRun(progress: progress)
    try run.train(until: limit ?? .max, progress: progress)
  }

  /// The run, at its last checkpoint if it has one. Throws ``TrainingError`` if that was made by another recipe.
  ///
  /// Where the recipe learns from pairs that its teacher makes, they are made first, unless they are there.
  func openRun(progress: Progress) throws -> TrainingRun {
    try folder.claim(trainsAlike)
    var stage = stage
    if let settings = recipe.teacher, recipe.gives(.pairs), let teacher = stage.teacher {
      stage.pairs = try PicturePairs(
        path: "\(folder.path)/pairs.safetensors", settings, teacher: teacher, seed: recipe.optimiser.seed,
        progress: progress)
    }
    return try TrainingRun(stage, folder: folder.path)
  }

  /// Throws ``TrainingError`` if the run was begun by a recipe that trains otherwise.
  func checkRun(remedy: String) throws { try folder.check(remedy: remedy, trainsAlike) }

  private func trainsAlike(_ path: String) throws -> Bool {
    try PictureRecipe(path: path).trainsLike(recipe)
  }

  /// The sampler of the averaged weights of the last checkpoint.
  func sampler() throws -> PictureSampler { stage.sampler(try averages()) }

  /// The network's averaged weights.
  func parameters() throws -> Parameters { try averages().part(stage.networkPart) }

  private func averages() throws -> Parameters {
    try checkRun(remedy: "give the --set that it was trained with")
    return Parameters(try Checkpoint(path: folder.checkpoint(), layout: stage.layout).averages)
  }

  /// Draws ten pictures of each class.
  public func drawSamples(evaluations: Int?, to path: String) throws {
    try stage.sheet(averages(), evaluations: evaluations ?? recipe.sampler.steps).write(to: path)
  }
}

extension PictureRecipe {
  /// Whether a checkpoint of one of these recipes goes on under the other: all but words, and how it is sampled, is the
  /// same.
  fileprivate func trainsLike(_ other: PictureRecipe) -> Bool {
    var copy = other
    (copy.summary, copy.sampler, copy.classifier) = (summary, sampler, classifier)
    copy.optimiser.report = optimiser.report
    return copy == self
  }
}
