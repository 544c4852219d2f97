// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
public import FlowGeneration
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
  private let recipePath: String
  private let settings: [String]
  private let folder: RunFolder

  /// Reads a recipe and its points; `data` defaults to `$FLOW_DATA`, then `data`.
  public init(recipePath: String, settings: [String] = [], runs: String, data: String?) throws {
    self.recipePath = recipePath
    self.settings = settings
    recipe = try ManifoldRecipe(path: recipePath, settings: settings)
    manifold = try recipe.space()
    if let fault = recipe.priorFault(on: manifold) {
      throw TrainingError(.badRecipe, "\(recipePath): \(fault)")
    }
    points = try recipe.data.load(on: manifold, data: data ?? dataFolder())
    stage = ManifoldStage(recipe, points: points, manifold: manifold)
    folder = RunFolder("\(runs)/\(recipe.name)/flow", recipePath: recipePath, settings: settings)
  }

  /// Whether there is a checkpoint to go on from.
  var hasBegun: Bool { folder.hasCheckpoint }

  /// Trains to the recipe's end, or to step `limit`.
  public func train(until limit: Int?, progress: Progress) throws {
    var run = try openRun()
    try run.train(until: limit ?? .max, progress: progress)
  }

  /// The run, at its last checkpoint if it has one. Throws ``TrainingError`` if that was made by another recipe.
  func openRun() throws -> TrainingRun {
    try folder.claim(trainsAlike)
    return try TrainingRun(stage, folder: folder.path)
  }

  /// Throws ``TrainingError`` if the run was begun by a recipe that trains otherwise.
  func checkRun(remedy: String) throws { try folder.check(remedy: remedy, trainsAlike) }

  private func trainsAlike(_ path: String) throws -> Bool {
    try ManifoldRecipe(path: path).trainsLike(recipe)
  }

  /// The trained map as a bundle: the averaged weights of the last checkpoint.
  public func bundle() throws -> ManifoldBundle {
    try checkRun(remedy: "give the --set that it was trained with")
    let averages = try Checkpoint(path: folder.checkpoint(), layout: stage.layout).averages
    return try bundle(weights: Array(averages.prefix(stage.model.layout.declarations.count)))
  }

  func bundle(weights: [Tensor]) throws -> ManifoldBundle {
    try ManifoldBundle(
      name: recipe.name,
      manifest: ManifoldManifest(
        summary: recipe.summary, geometry: manifold.name, network: stage.model.configuration,
        method: recipe.method,
        head: recipe.network.head ?? .velocity, sampler: stage.step == .euler ? .euler : .jumps,
        defaultEvaluations: recipe.sampler.steps,
        maximumEvaluations: recipe.sampler.maximumSteps, prior: recipe.prior ?? .standard,
        precision: recipe.sampler.precision, dataLicence: recipe.dataLicence),
      weights: weights)
  }

  /// Writes the bundle, its recipe beside it.
  public func pack(to folder: String) throws {
    try bundle().write(to: folder)
    // Its comments are kept where nothing was set.
    let text =
      settings.isEmpty
      ? FileManager.default.contents(atPath: recipePath).map { String(decoding: $0, as: UTF8.self) } : nil
    try AtomicFile.write(
      Array((text ?? RecipeFile(path: recipePath, settings: settings).text()).utf8),
      to: "\(folder)/recipe.yaml")
  }

  /// Draws what the trained map makes.
  public func drawSamples(to path: String) throws {
    try stage.samples(Parameters(bundle().weights)).write(to: path)
  }

  /// Draws samples by 1 and by 4 evaluations, for flow matching by 100 too, under test points.
  public func drawPictures(of bundle: ManifoldBundle, into folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let sampler = PointSampler(bundle)
    for steps in stage.step == .jump ? [1, 4] : [1, 4, 100] {
      let samples = sampler.sample(20_000, seed: 77, PointWalk(evaluations: steps))
      let picture = PointPicture(
        manifold: manifold,
        title:
          "\(recipe.name), \(recipe.objective.target.rawValue): \(steps) evaluation\(steps == 1 ? "" : "s") "
          + "(density) and test points (dots)",
        generated: samples, data: points.test)
      try picture.write(to: "\(folder)/\(recipe.name)-\(steps).svg")
    }
  }

  /// Evaluates a bundle of this recipe, sampled as the daemon samples it.
  public func evaluate(
    _ bundle: ManifoldBundle, _ settings: ManifoldEvaluation.Settings, progress: Progress
  ) -> ManifoldEvaluation {
    ManifoldEvaluation(
      recipe, bundle, map: stage.map(Parameters(bundle.weights)), points: points, settings, progress: progress
    )
  }
}

extension ManifoldRecipe {
  /// Whether a checkpoint of one of these recipes goes on under the other: all but words, and how it is sampled, is the
  /// same, the length of the schedule included: the rate of a step depends on it.
  fileprivate func trainsLike(_ other: ManifoldRecipe) -> Bool {
    var copy = other
    (copy.summary, copy.method, copy.dataLicence, copy.sampler) = (summary, method, dataLicence, sampler)
    copy.optimiser.report = optimiser.report
    return copy == self
  }

  /// What makes the recipe's prior impossible on a manifold, or nil.
  func priorFault(on manifold: any Manifold) -> String? {
    guard case .wrappedNormal(let centres, let deviation) = prior else { return nil }
    guard deviation > 0, deviation.isFinite else { return "prior.deviation must be positive" }
    guard !centres.isEmpty, centres.allSatisfy({ $0.count == manifold.ambient }) else {
      return "prior.centres must be points of \(manifold.ambient) numbers"
    }
    let centre = Tensor(centres.flatMap { $0 }, shape: [centres.count, manifold.ambient])
    return manifold.violation(centre).allSatisfy { $0 < 1e-4 }
      ? nil : "prior.centres must lie on \(manifold.name)"
  }
}
