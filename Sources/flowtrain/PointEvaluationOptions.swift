// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import FlowGeneration
internal import FlowTraining
internal import FoundationEssentials

/// How a flow map on a manifold is evaluated.
struct PointEvaluationOptions: ParsableArguments {
  @Option(
    help: "Network evaluations, such as 1,2,4; by default 1,2,4,8,16,32,100 of points, 1,2,4 of pictures.",
    transform: numbers)
  var nfe: [Int] = []

  @Option(help: "Draws of samples that a mean is over.")
  var draws: Int = 10

  @Option(help: "The most test points to compare with.")
  var testPoints: Int = 2000

  @Flag(help: "Leave the likelihood out.")
  var withoutLikelihood = false

  @Option(help: "Where checkpoints are.")
  var runs: String = "runs"

  @Option(help: "Where data are, by default $FLOW_DATA or data.")
  var data: String?

  @Option(help: "A folder for pictures of samples under test points, SVG.")
  var pictures: String?

  @Option(name: .customLong("set"), help: "A value of the recipe that training was given; may be repeated.")
  var settings: [String] = []

  func validate() throws {
    guard nfe.allSatisfy({ (1...10_000).contains($0) }) else {
      throw ValidationError("--nfe takes numbers between 1 and 10000, such as 1,2,4")
    }
    if draws < 2 { throw ValidationError("--draws must be 2 or more") }
    if testPoints < 2 { throw ValidationError("--test-points must be 2 or more") }
  }

  func evaluate(_ bundle: String, recipe: String) throws -> ManifoldEvaluation {
    let pipeline = try ManifoldPipeline(recipePath: recipe, settings: settings, runs: runs, data: data)
    // What is packed is what is served; before that, the run's last checkpoint.
    let isPacked = FileManager.default.fileExists(atPath: "\(bundle)/\(ManifoldBundle.manifestName)")
    let model = isPacked && settings.isEmpty ? try ManifoldBundle(folder: bundle) : try pipeline.bundle()
    if let pictures { try pipeline.drawPictures(of: model, into: pictures) }
    return pipeline.evaluate(
      model,
      .init(
        evaluations: nfe.isEmpty ? [1, 2, 4, 8, 16, 32, 100] : nfe, draws: draws, testPoints: testPoints,
        likelihood: !withoutLikelihood),
      progress: .standardError)
  }
}

extension PointEvaluationOptions {
  func evaluatePictures(_ recipe: String, samples: Int) throws -> PictureEvaluation {
    guard samples >= 1000 else { throw ValidationError("--samples must be 1000 or more") }
    let pipeline = try RecipePipeline(recipePath: recipe, settings: settings, runs: runs, data: data)
    guard case .pictures(let pictures) = pipeline else {
      throw ValidationError("\(recipe) is no recipe of pictures; name the bundle's folder")
    }
    return try pictures.evaluate(
      evaluations: nfe.isEmpty ? [1, 2, 4] : nfe, samples: samples, progress: .standardError)
  }
}

private func numbers(_ text: String) throws -> [Int] {
  try text.split(separator: ",").map { part in
    guard let number = Int(part) else { throw ValidationError("'\(part)' is no number of evaluations") }
    return number
  }
}
