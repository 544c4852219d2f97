// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowMaps
internal import FlowNN
internal import FlowTensor
internal import FoundationEssentials

/// Trainings of many recipes of pictures on one set, measured alike.
///
/// A comparison that is stopped goes on where it was: finished trainings are kept as `result.json`, others resume at their
/// checkpoints.
public struct Comparison {
  /// What a comparison's YAML file says.
  struct Plan: Codable, Equatable {
    /// Recipes beside the file, without `.yaml`, in the order of the table; teachers before those who learn from them.
    var recipes: [String]
    /// Further seeds of some recipes.
    var seeds: [String: [UInt64]]?
    /// The recipe that the others' figures stand against.
    var teacher: String
    /// Pictures that each figure is of.
    var samples: Int
  }

  let plan: Plan
  private let folder: String
  private let runs: String
  private let data: String?

  /// Reads a comparison; trainings go to `runs/RECIPE`, those of seed n to `runs/RECIPE-n`.
  public init(path: String, runs: String, data: String?) throws {
    plan = try RecipeFile(path: path).decode()
    guard plan.samples >= 1000, !plan.recipes.isEmpty else {
      throw TrainingError(.badRecipe, "\(path): a comparison wants recipes, and samples of 1000 or more")
    }
    folder = RecipeFile.folder(of: path)
    self.runs = runs
    self.data = data
  }

  /// A training of the comparison.
  struct Member {
    var recipe: String
    var seed: UInt64
  }

  var members: [Member] {
    plan.recipes.flatMap { recipe in
      ([1] + (plan.seeds?[recipe] ?? [])).map { Member(recipe: recipe, seed: $0) }
    }
  }

  /// Trains and measures what is not finished yet; the results so far are handed to `finished` after each.
  ///
  /// - Parameter only: the recipes to do; all if empty.
  public func run(
    only: [String], progress: Progress, finished: ([ComparisonResult]) throws -> Void
  ) throws {
    for name in only where !plan.recipes.contains(name) {
      throw TrainingError(
        .badRecipe, "the comparison has no '\(name)', only \(plan.recipes.joined(separator: ", "))")
    }
    let chosen = members.filter { only.isEmpty || only.contains($0.recipe) }
    for (index, member) in chosen.enumerated() {
      progress.note("\(index + 1)/\(chosen.count): \(member.recipe), seed \(member.seed)")
      try finish(member, progress: progress)
      try finished(results())
    }
  }

  /// The results that are there.
  public func results() throws -> [ComparisonResult] { try members.compactMap(known) }

  private func known(_ member: Member) throws -> ComparisonResult? {
    let path = resultPath(member)
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    do {
      return try JSONDecoder().decode(ComparisonResult.self, from: data)
    } catch {
      throw TrainingError(.unreadable, "\(path): \(error); remove it to measure anew")
    }
  }

  private func name(_ member: Member) -> String {
    member.seed == 1 ? member.recipe : "\(member.recipe)-\(member.seed)"
  }

  private func resultPath(_ member: Member) -> String { "\(runs)/\(name(member))/flow/result.json" }

  /// The pipeline of a member, whose run is named after the recipe's file and the seed.
  func pipeline(_ member: Member) throws -> PicturePipeline {
    try PicturePipeline(
      recipePath: "\(folder)\(member.recipe).yaml",
      settings: ["name=\(name(member))", "optimiser.seed=\(member.seed)"], runs: runs, data: data)
  }

  private func finish(_ member: Member, progress: Progress) throws {
    let pipeline = try pipeline(member)
    if try known(member) != nil {
      return try pipeline.checkRun(remedy: "remove \(resultPath(member)) and its folder to train it anew")
    }
    var run = try pipeline.openRun(progress: progress)
    try run.train(progress: progress)
    let recipe = pipeline.recipe
    var result = ComparisonResult(
      recipe: member.recipe, seed: member.seed, summary: recipe.summary,
      parameters: pipeline.stage.model.network.layout.count, steps: run.step, skipped: run.skipped,
      seconds: run.seconds, overhead: 0, straightness: nil, sampler: recipe.sampler.kind, rows: [],
      teacher: recipe.teacher?.recipe)
    try measure(&result, pipeline, progress: progress)
    try write(result, of: member)
  }

  private func measure(
    _ result: inout ComparisonResult, _ pipeline: PicturePipeline, progress: Progress
  ) throws {
    let sampler = pipeline.recipe.sampler
    result.rows = try pipeline.measure(
      evaluations: [1, 2, 4] + (sampler.steps > 4 ? [sampler.steps] : []), samples: plan.samples,
      progress: progress)
    result.overhead = pipeline.stage.overhead()
    if sampler.kind == .euler {
      result.straightness = try pipeline.sampler().straightness(of: pipeline.labels(500))
    }
  }

  private func write(_ result: ComparisonResult, of member: Member) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try AtomicFile.write(Array(encoder.encode(result)), to: resultPath(member))
  }

  /// Measures every finished training again: where others ran beside it, they disturbed what a step costs.
  public func measureAgain(progress: Progress) throws {
    for member in members {
      guard var result = try known(member) else { continue }
      let pipeline = try pipeline(member)
      try pipeline.checkRun(remedy: "remove \(resultPath(member)) and its folder to train it anew")
      try measure(&result, pipeline, progress: progress)
      try write(result, of: member)
    }
  }

  /// What as many training pictures measure against test pictures, and the accuracy of the classifier.
  public func floor() throws -> (measures: PictureMeasures, accuracy: Double) {
    let recipe = try PictureRecipe(path: "\(folder)\(plan.teacher).yaml")
    let pictures = try PictureSet(folder: "\(data ?? dataFolder())/images/\(recipe.pictures)")
    guard let classifier = recipe.classifier else {
      throw TrainingError(
        .badRecipe, "\(plan.teacher) names no classifier to measure by; give classifier in the recipe")
    }
    let file = try ClassifierFile(path: folder + classifier), part = 0..<plan.samples
    let measures = file.judge(test: pictures.test).measures(
      pictures.training.pictures(part), asked: Array(pictures.training.labels[part]))
    return (measures, file.accuracy)
  }
}

/// A training of a comparison and what came of it.
public struct ComparisonResult: Sendable, Codable, Equatable {
  /// What pictures by some evaluations measure.
  public struct Row: Sendable, Codable, Equatable {
    /// Network evaluations a picture.
    public var evaluations: Int
    /// The measures.
    public var measures: PictureMeasures
  }

  /// The recipe.
  public var recipe: String
  /// The seed of the training.
  public var seed: UInt64
  /// What the recipe says of itself.
  public var summary: String
  /// Numbers in the network that is sampled.
  public var parameters: Int
  /// Steps taken.
  public var steps: Int
  /// Steps that changed nothing, because their loss was not finite.
  public var skipped: Int
  /// Seconds of training.
  public var seconds: Double
  /// What a step takes, against one of flow matching with the same network.
  public var overhead: Double
  /// How far the flow is from straight; nil for methods that learn jumps.
  public var straightness: Double?
  /// How it is sampled.
  public var sampler: PictureSamplerRecipe.Kind
  /// The figures.
  public var rows: [Row]
  /// The recipe of the model that it learnt from.
  public var teacher: String?
}
