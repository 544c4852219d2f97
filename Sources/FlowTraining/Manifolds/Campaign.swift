// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowGeneration
internal import FlowNN
internal import FoundationEssentials

/// Many trainings to compare: every method of every recipe with every seed, each in a folder of its own.
///
/// A campaign that is stopped goes on where it was: finished trainings are kept as `result.json`, others resume at their
/// checkpoints.
public struct Campaign {
  /// What a campaign's YAML file says.
  struct Plan: Codable, Equatable {
    /// Folders of recipes, beside the file.
    var recipes: [String]
    /// Seeds of trainings.
    var seeds: [UInt64]
    /// Methods in the order of the table, with the settings that make them of a recipe.
    var methods: [Method]
    /// Settings of some recipes under every method.
    var settings: [String: [String]]?
    /// Figures by others: one-evaluation MMD by recipe and method.
    var published: [String: [String: Double]]?
  }

  struct Method: Codable, Equatable {
    var name: String
    var settings: [String]
    /// Settings of some recipes under this method alone.
    var recipes: [String: [String]]?
  }

  let plan: Plan
  private let folder: String
  private let runs: String
  private let data: String?
  private let evaluation: ManifoldEvaluation.Settings

  /// Reads a campaign.
  ///
  /// - Parameters:
  ///   - runs: where trainings go: `runs/RECIPE/METHOD-SEED`.
  ///   - evaluation: what is measured of each.
  public init(path: String, runs: String, data: String?, evaluation: ManifoldEvaluation.Settings = .init())
    throws
  {
    plan = try RecipeFile(path: path).decode()
    folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    self.runs = runs
    self.data = data
    self.evaluation = evaluation
  }

  /// Trains and evaluates what is not finished yet; the results so far are handed to `finished` after each.
  public func run(progress: Progress, finished: ([CampaignResult]) throws -> Void) throws {
    var results: [CampaignResult] = []
    let all = plan.recipes.flatMap { recipe in
      plan.methods.flatMap { method in plan.seeds.map { (recipe, method, $0) } }
    }
    for (index, (recipe, method, seed)) in all.enumerated() {
      progress.note("\(index + 1)/\(all.count): \(recipe), \(method.name), seed \(seed)")
      results.append(try result(recipe, method, seed, progress: progress))
      try finished(results)
    }
  }

  /// The results that are there.
  public func results() throws -> [CampaignResult] {
    try plan.recipes.flatMap { recipe in
      try plan.methods.flatMap { method in
        try plan.seeds.compactMap { try known("\(runs)/\(recipe)/\(method.name)-\($0)/result.json") }
      }
    }
  }

  private func known(_ path: String) throws -> CampaignResult? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    do {
      return try JSONDecoder().decode(CampaignResult.self, from: data)
    } catch {
      throw TrainingError(.unreadable, "\(path): \(error); remove it to evaluate anew")
    }
  }

  private func result(_ recipe: String, _ method: Method, _ seed: UInt64, progress: Progress) throws
    -> CampaignResult
  {
    let place = "\(runs)/\(recipe)/\(method.name)-\(seed)"
    let settings =
      (plan.settings?[recipe] ?? []) + method.settings + (method.recipes?[recipe] ?? [])
      + ["optimiser.seed=\(seed)"]
    let pipeline = try ManifoldPipeline(
      recipePath: "\(folder.isEmpty ? "" : folder + "/")\(recipe)/recipe.yaml", settings: settings,
      runs: place,
      data: data)
    if let known = try known("\(place)/result.json") {
      try pipeline.checkRun(remedy: "remove \(place) to train it anew")
      return known
    }
    let clock = ContinuousClock()
    var run = try pipeline.openRun()
    let before = run.step
    let time = try clock.measure { try run.train(progress: progress) }
    let bundle = try pipeline.bundle()
    let result = CampaignResult(
      recipe: recipe, method: method.name, seed: seed, steps: run.step, skipped: run.skipped,
      stepsPerSecond: Double(run.step - before) / (time / .seconds(1)),
      diagonal: pipeline.stage.validate(.init(bundle.weights))[0].value,
      evaluation: pipeline.evaluate(bundle, evaluation, progress: progress))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try AtomicFile.write(Array(encoder.encode(result)), to: "\(place)/result.json")
    return result
  }
}

/// A training of a campaign and what came of it.
public struct CampaignResult: Sendable, Codable, Equatable {
  /// The recipe.
  public var recipe: String
  /// The method.
  public var method: String
  /// The seed of the training.
  public var seed: UInt64
  /// Steps taken.
  public var steps: Int
  /// Steps that changed nothing, because their loss was not finite.
  public var skipped: Int
  /// The rate of this run's training.
  public var stepsPerSecond: Double
  /// The loss of the velocity on unseen points.
  public var diagonal: Double
  /// The figures.
  public var evaluation: ManifoldEvaluation
}
