// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowTraining

/// `flowtrain train`.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains the stages of a recipe, going on where an earlier run stopped.")

  @OptionGroup var training: TrainingOptions

  @Flag(help: "Train nothing; print the recipe with all that it extends and every setting in place.")
  var dryRun = false

  func run() throws {
    if dryRun {
      print(
        try RecipePipeline.resolved(recipePath: training.recipe, settings: training.settings), terminator: "")
    } else {
      try training.train(training.pipeline())
    }
  }
}

/// `flowtrain resume`.
struct Resume: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Goes on with a training that was stopped; train does so, too, but begins one that is not there.")

  @OptionGroup var training: TrainingOptions

  func run() throws {
    let pipeline = try training.pipeline()
    guard pipeline.hasBegun else {
      throw ValidationError(
        "there is no checkpoint of \(training.recipe) under \(training.runs); use flowtrain train")
    }
    try training.train(pipeline)
  }
}

/// `flowtrain distill`.
struct Distill: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains a recipe from a teacher, which is trained first if it is not yet.")

  @OptionGroup var training: TrainingOptions

  @Option(
    help: "The recipe of the teacher, beside the student's, without .yaml; by default the one that it names.")
  var teacher: String?

  func run() throws {
    var training = training
    try training.distil(from: teacher)
  }
}

/// What is trained, and where.
struct TrainingOptions: ParsableArguments {
  @Argument(help: "The recipe, such as models/doom-health-64x48/recipe.yaml.")
  var recipe: String

  @Option(help: "Where checkpoints, logs and sample sheets go.")
  var runs: String = "runs"

  @Option(help: "Where recordings are, by default $FLOW_DATA or data.")
  var data: String?

  @Option(
    help: "Train this stage of a video recipe only: autoencoder, teacher or student.",
    transform: stage(named:))
  var stage: Pipeline.Stage?

  @Option(help: "Stop each stage after this step.")
  var until: Int?

  @Option(
    name: .customLong("set"),
    help: "Replace a value of the recipe, such as optimiser.seed=2; may be repeated.")
  var settings: [String] = []

  func pipeline() throws -> RecipePipeline {
    try RecipePipeline(recipePath: recipe, settings: settings, runs: runs, data: data)
  }

  func train(_ pipeline: RecipePipeline) throws {
    if case .video(let video) = pipeline {
      return try video.train(stage, until: until, progress: .standardError)
    }
    if stage != nil { throw ValidationError("only a recipe of a video model has stages; leave --stage out") }
    switch pipeline {
    case .video: break
    case .manifold(let pipeline): try pipeline.train(until: until, progress: .standardError)
    case .pictures(let pipeline): try pipeline.train(until: until, progress: .standardError)
    case .classifier(let pipeline): try pipeline.train(until: until, progress: .standardError)
    }
  }

  mutating func distil(from teacher: String?) throws {
    if let teacher { settings.append("teacher.recipe=\(teacher)") }
    for path in try PicturePipeline.untrainedTeachers(recipePath: recipe, settings: settings, runs: runs) {
      Progress.standardError.note("first the teacher, \(path)")
      var first = self
      (first.recipe, first.settings, first.until) = (path, [], nil)
      try first.train(first.pipeline())
    }
    try train(pipeline())
  }
}

func stage(named name: String) throws -> Pipeline.Stage {
  guard let stage = Pipeline.Stage(rawValue: name) else {
    throw ValidationError("'\(name)' is no stage; use autoencoder, teacher or student")
  }
  return stage
}
