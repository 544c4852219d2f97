// SPDX-License-Identifier: Apache-2.0

import FlowNN
import FlowTensor
import Foundation
import Testing

@testable import FlowTraining

@Suite("Recipes")
struct RecipeTests {
  /// The recipe that the repository ships.
  static let shipped = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../models/doom-health-64x48/recipe.yaml").standardizedFileURL.path()

  @Test("the shipped recipe is read whole, and its shapes fit each other")
  func shippedRecipe() throws {
    let recipe = try Recipe(path: Self.shipped)
    #expect(recipe.name == "doom-health-64x48" && recipe.recording == "doom-health")
    let a = recipe.autoencoder.model, t = recipe.transformer
    #expect(a.height == 48 && a.width == 64 && a.latentHeight == 6 && a.latentWidth == 8)
    #expect(t.width % t.heads == 0 && t.width / t.heads % 2 == 0)
    for stage in [recipe.teacher, recipe.student] {
      #expect(stage.frames <= t.window + t.sink && stage.frames > 1)
      #expect([stage.atOne, stage.ownContext, stage.jumps].allSatisfy { (0...1).contains($0) })
    }
    for optimiser in [recipe.autoencoder.optimiser, recipe.teacher.optimiser, recipe.student.optimiser] {
      #expect(optimiser.warmup < optimiser.steps && optimiser.report > 0)
    }
    #expect(recipe.teacher.jumps == 0 && recipe.student.jumps > 0)
  }

  /// What is replaced in the shipped recipe, by what, and what the error must name.
  static let faults: [(String, String, String)] = [
    ("latentNoise:", "latentNoises:", "latentNoise"), ("recording:", "recordings:", "recording"),
    ("window: 15", "window: wide", "window"), ("heads: 4", "heads: 4.5", "heads"),
    ("precision: bfloat16", "precision: bfloat8", "precision"), ("height: 48, ", "", "height"),
    ("transformer:", "transformer: [", "recipe.yaml"),
    ("height: 48", "height: 47", "autoencoder.model.height"), ("heads: 4", "heads: 5", "transformer.heads"),
    ("batch: 48", "batch: 0", "autoencoder.batch"), ("frames: 16", "frames: 1", "teacher.frames"),
    ("levels: 3", "levels: 0", "teacher.levels"), ("atOne: 0.3", "atOne: 1.5", "teacher.atOne"),
    ("report: 300", "report: 0", "teacher.optimiser.report"),
    ("clip: 0.5", "clip: 0", "autoencoder.optimiser.clip"),
    ("maximumSteps: 4", "maximumSteps: 3", "sampler.maximumSteps"),
  ]

  @Test("a recipe that is not one is refused with the file and the field", arguments: faults)
  func fault(example: (String, String, String)) throws {
    try withFolder { folder in
      let text = try String(contentsOfFile: Self.shipped, encoding: .utf8)
      let range = try #require(text.range(of: example.0))
      let path = folder + "/recipe.yaml"
      try text.replacingCharacters(in: range, with: example.1).write(
        toFile: path, atomically: true, encoding: .utf8)
      let error = #expect(throws: TrainingError.self) { try Recipe(path: path) }
      #expect(error?.code == .badRecipe && error?.message.contains(path) == true)
      #expect(error?.message.contains(example.2) == true, "\(error?.message ?? "")")
    }
  }

  @Test("a recipe that is not there is named")
  func missing() {
    let error = #expect(throws: TrainingError.self) { try Recipe(path: "/nowhere/recipe.yaml") }
    #expect(error?.code == .unreadable && error?.message.contains("/nowhere/recipe.yaml") == true)
  }

  @Test("the rate grows to its peak, then falls to a twentieth")
  func rate() {
    var optimiser = tinyOptimiser(steps: 100)
    optimiser.warmup = 10
    let rates = (1...100).map { optimiser.rate(at: $0) / 3e-3 }
    for (number, rate) in rates.prefix(10).enumerated() { #expect(abs(rate - Float(number + 1) / 10) < 1e-6) }
    #expect(zip(rates.dropFirst(9), rates.dropFirst(10)).allSatisfy { $0 > $1 })
    // Halfway down the cosine, and its end.
    #expect(abs(rates[54] - 0.525) < 1e-5 && abs(rates[99] - 0.05) < 1e-6)
    optimiser.warmup = 0
    #expect(optimiser.rate(at: 1) <= 3e-3 && optimiser.rate(at: 1) > 2.99e-3)
  }
}
