// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowTraining

/// `flowtrain train`.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains the stages of a recipe, going on where an earlier run stopped.")

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

  func run() throws {
    let pipeline = try RecipePipeline(
      recipePath: recipe, settings: settings, runs: runs, data: data, progress: .standardError)
    if stage != nil, case .video = pipeline {
    } else if stage != nil {
      throw ValidationError("only a recipe of a video model has stages; leave --stage out")
    }
    switch pipeline {
    case .video(let pipeline): try pipeline.train(stage, until: until, progress: .standardError)
    case .manifold(let pipeline): try pipeline.train(until: until, progress: .standardError)
    case .pictures(let pipeline): try pipeline.train(until: until, progress: .standardError)
    case .classifier(let pipeline): try pipeline.train(until: until, progress: .standardError)
    }
  }
}

func stage(named name: String) throws -> Pipeline.Stage {
  guard let stage = Pipeline.Stage(rawValue: name) else {
    throw ValidationError("'\(name)' is no stage; use autoencoder, teacher or student")
  }
  return stage
}
