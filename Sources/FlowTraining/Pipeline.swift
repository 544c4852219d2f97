// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowGeneration
internal import FlowNN
internal import FlowTensor
internal import FoundationEssentials
internal import Glibc

/// The stages of a recipe in order, each in a folder under `runs/NAME`.
public struct Pipeline {
  /// A stage by name.
  public enum Stage: String, Sendable, CaseIterable {
    case autoencoder, teacher, student
  }

  private var recipe: Recipe
  private let recipePath: String
  private let folder: String
  private let data: String

  /// Reads a recipe; `data` defaults to `$FLOW_DATA`, then `data`.
  public init(recipePath: String, settings: [String] = [], runs: String, data: String?) throws {
    recipe = try Recipe(path: recipePath, settings: settings)
    self.recipePath = recipePath
    folder = "\(runs)/\(recipe.name)"
    self.data = data ?? dataFolder()
  }

  /// Whether there is a checkpoint to go on from.
  var hasBegun: Bool {
    Stage.allCases.contains {
      FileManager.default.fileExists(atPath: TrainingRun.checkpointPath(folder(of: $0)))
    }
  }

  /// Trains one stage, or all of them.
  public func train(_ stage: Stage?, until limit: Int?, progress: Progress) throws {
    for each in stage.map({ [$0] }) ?? Stage.allCases {
      var run = try run(each, progress: progress)
      try run.train(until: limit ?? .max, progress: progress)
    }
  }

  /// Draws the sample sheet of a trained stage, with another number of network evaluations if asked.
  public func drawSamples(_ stage: Stage, evaluations: Int?, to path: String, progress: Progress) throws {
    var copy = self
    if let evaluations { copy.recipe.sampler.steps = evaluations }
    let run = try copy.run(stage, progress: progress)
    try run.drawSamples(to: path)
  }

  private func run(_ stage: Stage, progress: Progress) throws -> TrainingRun {
    switch stage {
    case .autoencoder:
      return try TrainingRun(
        AutoencoderStage(
          recipe.autoencoder, training: recording("train"), validation: recording("validation")),
        folder: folder(of: stage))
    case .teacher:
      return try TrainingRun(
        generatorStage(stage, recipe.teacher, initial: nil, progress), folder: folder(of: stage))
    case .student:
      let teacher = try averages(of: .teacher, layout: transformer().layout)
      return try TrainingRun(
        generatorStage(stage, recipe.student, initial: teacher, progress), folder: folder(of: stage))
    }
  }

  private func generatorStage(
    _ stage: Stage, _ settings: GeneratorRecipe, initial: [Tensor]?, _ progress: Progress
  ) throws -> GeneratorStage {
    let codec = try codec(), model = try transformer()
    try checkRecordings(frames: settings.frames)
    let latents = { (part: String) in
      try LatentRecording(
        recording(part), codec: codec, path: "\(folder)/latents-\(part).safetensors", progress: progress)
    }
    let rollouts = try RolloutMeasure(
      recording: latents("validation"), decode: codec.decode, steps: [1, 2, 4, 8], count: 32,
      evaluations: recipe.sampler.steps)
    return try GeneratorStage(
      name: stage.rawValue, settings, model: model, training: latents("train"), rollouts: rollouts,
      contextNoise: recipe.sampler.contextNoise, initial: initial)
  }

  private func checkRecordings(frames: Int) throws {
    let training = try recording("train"), validation = try recording("validation")
    guard training.actionNames == validation.actionNames else {
      throw TrainingError(
        .badRecording,
        "train and validation name other actions, \(training.actionNames) and \(validation.actionNames)")
    }
    guard training.episodes.contains(where: { $0.count >= frames }) else {
      throw TrainingError(
        .badRecording, "no episode has the \(frames) frames of a sequence; record longer ones")
    }
  }

  /// The transformer of the recipe, for the recording's actions.
  func transformer() throws -> CausalTransformer {
    let t = recipe.transformer, a = recipe.autoencoder.model
    return CausalTransformer(
      CausalTransformerConfiguration(
        latentHeight: a.latentHeight, latentWidth: a.latentWidth, latentChannels: a.latentChannels,
        width: t.width,
        layers: t.layers, heads: t.heads, actions: try recording("train").actionNames.count, window: t.window,
        sink: t.sink))
  }

  /// The trained autoencoder, its latents normalised on training pictures.
  func codec() throws -> LatentCodec {
    let model = Autoencoder(recipe.autoencoder.model)
    let training = try recording("train")
    let indices = (0..<2048).map { $0 * training.count / 2048 }
    return LatentCodec(
      model, weights: try averages(of: .autoencoder, layout: model.layout),
      measuredOn: training.pictures(indices))
  }

  /// The averaged weights of the last checkpoint of a stage.
  func averages(of stage: Stage, layout: ParameterLayout) throws -> [Tensor] {
    let path = TrainingRun.checkpointPath(folder(of: stage))
    guard FileManager.default.fileExists(atPath: path) else {
      throw TrainingError(.badCheckpoint, "\(path) is not there; train the \(stage.rawValue) first")
    }
    return try Checkpoint(path: path, layout: layout).averages
  }

  /// Makes the bundle of a stage's averaged weights, its recipe beside them, with start frames from the validation recording.
  public func pack(_ stage: Stage, to folder: String) throws {
    let codec = try codec(), model = try transformer(), validation = try recording("validation")
    let indices = (0..<Self.startFrames).map { $0 * validation.count / Self.startFrames }
    let sampler: SamplerKind = stage == .student ? .jumps : .euler
    let manifest = VideoManifest(
      summary: recipe.summary, autoencoder: codec.model.configuration, transformer: model.configuration,
      method: recipe.method, sampler: sampler, defaultSteps: recipe.sampler.steps,
      maximumSteps: recipe.sampler.maximumSteps,
      contextNoise: recipe.sampler.contextNoise, precision: recipe.sampler.precision,
      framesPerSecond: validation.framesPerSecond,
      actions: validation.actionNames, defaultAction: recipe.sampler.defaultAction, starts: Self.startFrames,
      dataLicence: recipe.dataLicence)
    let weights = try averages(of: stage, layout: model.layout)
    let bundle = VideoBundle(
      name: recipe.name, manifest: manifest, codec: codec,
      generator: LatentGenerator(
        model, weights: weights, contextNoise: recipe.sampler.contextNoise, sampler: sampler,
        precision: recipe.sampler.precision),
      weights: weights, starts: codec.encode(validation.pictures(indices)))
    try bundle.write(to: folder)
    guard let text = FileManager.default.contents(atPath: recipePath) else {
      throw TrainingError(.unreadable, "\(recipePath) is gone; put it back and pack again")
    }
    try AtomicFile.write(Array(text), to: "\(folder)/recipe.yaml")
  }

  /// Start frames in a bundle; a stream takes the one that its seed chooses.
  private static let startFrames = 16

  func recording(_ part: String) throws -> Recording {
    try Recording(path: "\(data)/\(recipe.recording)/\(part).safetensors")
  }

  private func folder(of stage: Stage) -> String { "\(folder)/\(stage.rawValue)" }
}

/// Where recordings are: `$FLOW_DATA`, or `data`.
public func dataFolder() -> String { getenv("FLOW_DATA").map { String(cString: $0) } ?? "data" }
