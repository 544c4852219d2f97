// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowTraining

/// `flowtrain pack`.
struct Pack: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes the bundle of a trained recipe: its manifest and weights.safetensors.")

  @Argument(help: "The recipe, such as models/doom-health-64x48/recipe.yaml.")
  var recipe: String

  @Option(name: .shortAndLong, help: "The folder of the bundle, such as models/doom-health-64x48.")
  var output: String

  @Option(help: "Where checkpoints are.")
  var runs: String = "runs"

  @Option(help: "Where recordings are, by default $FLOW_DATA or data.")
  var data: String?

  @Option(name: .customLong("set"), help: "A value of the recipe that training was given; may be repeated.")
  var settings: [String] = []

  @Option(help: "The stage of a video recipe whose weights to take.", transform: stage(named:))
  var stage: Pipeline.Stage = .student

  func run() throws {
    switch try RecipePipeline(recipePath: recipe, settings: settings, runs: runs, data: data) {
    case .video(let pipeline): try pipeline.pack(stage, to: output)
    case .manifold(let pipeline): try pipeline.pack(to: output)
    case .classifier(let pipeline): try pipeline.pack(to: output)
    case .pictures:
      throw ValidationError(
        "generators of pictures are compared, not served: flowtrain compare, flowtrain sample")
    }
  }
}
