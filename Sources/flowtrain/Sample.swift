// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowTraining

/// `flowtrain sample`.
struct Sample: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws what a trained stage makes beside what is true: a PNG sheet, or an SVG plot of points.")

  @Argument(help: "The recipe, such as models/doom-health-64x48/recipe.yaml.")
  var recipe: String

  @Option(name: .shortAndLong, help: "The file.")
  var output: String

  @Option(help: "The stage: autoencoder, teacher or student.", transform: stage(named:))
  var stage: Pipeline.Stage = .student

  @Option(help: "Network evaluations a frame, by default the recipe's.")
  var steps: Int?

  @Option(help: "Where checkpoints are.")
  var runs: String = "runs"

  @Option(help: "Where recordings are, by default $FLOW_DATA or data.")
  var data: String?

  func validate() throws {
    if let steps, steps < 1 { throw ValidationError("--steps must be 1 or more") }
  }

  func run() throws {
    switch try RecipePipeline(recipePath: recipe, runs: runs, data: data) {
    case .video(let pipeline):
      try pipeline.drawSamples(stage, evaluations: steps, to: output, progress: .standardError)
    case .manifold(let pipeline): try pipeline.drawSamples(to: output)
    case .pictures(let pipeline): try pipeline.drawSamples(evaluations: steps, to: output)
    case .classifier: throw ValidationError("a classifier makes nothing to draw; name a generator's recipe")
    }
  }
}
