// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowTraining
internal import FoundationEssentials

/// `flowtrain evaluate`.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compares what a model makes with what it has not seen.",
    discussion: """
      A video model's rollouts are compared with the game's own future; a flow map's points with test points, by \
      network evaluations, beside training points and the prior; small pictures with test pictures, by features of a \
      classifier.
      """)

  @Argument(
    help: "The bundle, such as models/doom-health-64x48 or manifolds/earthquake, or the recipe of pictures.")
  var bundle: String

  @OptionGroup(title: "Of video")
  var video: VideoEvaluationOptions

  @OptionGroup(title: "Of points and pictures")
  var points: PointEvaluationOptions

  @Option(help: "Pictures that are measured.")
  var samples: Int = 5000

  @Flag(help: "Print JSON instead of tables.")
  var json = false

  func run() throws {
    if bundle.hasSuffix(".yaml") { return try show(points.evaluatePictures(bundle, samples: samples)) }
    let recipe = "\(bundle)/recipe.yaml"
    if try RecipePipeline.isManifold(recipe) {
      try show(points.evaluate(bundle, recipe: recipe))
    } else {
      try show(video.evaluate(bundle))
    }
  }

  private func show(_ evaluation: some Encodable & CustomStringConvertible) throws {
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      print(String(decoding: try encoder.encode(evaluation), as: UTF8.self))
    } else {
      print(evaluation)
    }
  }
}
