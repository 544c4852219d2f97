// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowMaps
import FlowNN
import FlowTensor
import Foundation
import Testing

@testable import FlowTraining

/// Every shipped recipe of pictures, made small.
@Suite("Training on pictures")
struct PictureRunTests {
  @Test("a run that is stopped and resumed ends bit-identical", arguments: PictureWorkshop.names)
  func resumed(name: String) throws {
    try withFolder { folder in
      let workshop = try PictureWorkshop(folder)
      for runs in ["runs", "parts"]
      where try PictureRecipe(path: "\(PictureWorkshop.recipes)/\(name).yaml").teacher != nil {
        try workshop.trainTeachers(of: name)
        if runs == "parts" {
          try FileManager.default.copyItem(atPath: "\(folder)/runs", toPath: "\(folder)/parts")
        }
      }
      try workshop.pipeline(name).train(progress: .silent)
      for limit in [1, 3, nil] {
        try workshop.pipeline(name, runs: "parts").train(until: limit, progress: .silent)
      }
      let checkpoints = try ["runs", "parts"].map { runs in
        try bytes(of: "\(folder)/\(runs)/\(name)/flow/checkpoint.safetensors")
      }
      #expect(checkpoints[0] == checkpoints[1])
      let stage = try workshop.pipeline(name).stage
      let run = try TrainingRun(stage, folder: "\(folder)/runs/\(name)/flow")
      #expect(run.step == 4 && run.skipped == 0)
      #expect(run.averages.flatMap(\.elements) != stage.initialWeights().flatMap(\.elements))
    }
  }

  /// C2.1: what is held fast gets no gradient, and what learns gets one.
  @Test(
    "the network learns, and of a correction each network from its own loss", arguments: PictureWorkshop.names
  )
  func gradients(name: String) throws {
    try withFolder { folder in
      let workshop = try PictureWorkshop(folder)
      try workshop.trainTeachers(of: name)
      let stage = try workshop.pipeline(name).stage
      // Gates begin at zero, behind which nothing learns.
      let weights = stage.layout.declarations.enumerated().map { index, declaration in
        var random = Random(key: 9, stream: UInt64(index))
        return random.normal(declaration.shape).affine(scale: 0.1)
      }
      let found = gradient(at: weights.map { Variable($0) }) { values in
        var random = Random(key: 5)
        return stage.loss(Parameters(values), average: Parameters(weights), progress: 0.5, random: &random)
      }
      #expect(found.allSatisfy { $0.tensor.sumOfSquares.isFinite })
      #expect(found[stage.networkPart].reduce(0) { $0 + $1.tensor.sumOfSquares } > 0)
      // The moving average and the teacher are constants to begin with: no gradient can be asked of them.
      let parts = stage.layout.declarations.map { $0.name.split(separator: ".").first.map(String.init) ?? "" }
      for part in Set(parts) {
        let size = zip(parts, found).reduce(0) { $0 + ($1.0 == part ? $1.1.tensor.sumOfSquares : 0) }
        #expect(size > 0, "\(part)")
      }
    }
  }

  @Test(
    "pictures are made by every sampler, as many and as large as they are",
    arguments: PictureSamplerRecipe.Kind.allCases)
  func samples(kind: PictureSamplerRecipe.Kind) throws {
    try withFolder { folder in
      let workshop = try PictureWorkshop(folder)
      let pipeline = try workshop.pipeline("flow-matching", ["sampler.guidance=2"])
      try pipeline.train(progress: .silent)
      let sampler = try pipeline.sampler(), labels: [Int32] = [3, 1, 4]
      for count in [1, 3] {
        let made = sampler.sample(labels, evaluations: count, seed: 2, by: kind)
        #expect(made.shape == [3, 28, 28, 1] && made.elements.allSatisfy(\.isFinite))
        #expect(sampler.sample(labels, evaluations: count, seed: 2, by: kind).elements == made.elements)
      }
    }
  }

  @Test("a decoupled network that begins as a trained flow says what that says at r = t")
  func decoupled() throws {
    try withFolder { folder in
      let workshop = try PictureWorkshop(folder)
      try workshop.trainTeachers(of: "decoupled-meanflow")
      let stage = try workshop.pipeline("decoupled-meanflow").stage, teacher = try #require(stage.teacher)
      var random = Random(key: 3)
      let z = Variable(random.normal([2, 784])), t = Variable(Tensor([0.3, 0.8], shape: [2, 1]))
      let asked = PictureConditions(labels: [1, 7])
      let own = stage.model.map(asked, Parameters(stage.initialWeights()).part(stage.networkPart))
      let flow = teacher.model.map(asked, Parameters(teacher.weights))
      // What the embedding of a length gave at 0 is summed in another order.
      let pairs = zip(own.velocity(z, at: t).tensor.elements, flow.velocity(z, at: t).tensor.elements)
      #expect(pairs.allSatisfy { abs($0 - $1) < 1e-5 })
    }
  }

  @Test("a recipe that extends another has its values, but for its own")
  func extended() throws {
    let recipe = try PictureRecipe(
      path: "\(PictureWorkshop.recipes)/flow-matching-weak.yaml", settings: ["optimiser.seed=9"])
    #expect(recipe.objective.target == .none && recipe.pictures == "fashion-mnist")
    #expect(recipe.optimiser.steps == 800 && recipe.optimiser.seed == 9)
  }

  @Test("the teachers that are not trained yet are named, those of teachers first")
  func teachers() throws {
    try withFolder { folder in
      let workshop = try PictureWorkshop(folder)
      let wanted = { (name: String) in
        try PicturePipeline.untrainedTeachers(
          recipePath: "\(PictureWorkshop.recipes)/\(name).yaml", settings: [], runs: "\(folder)/runs"
        ).map { String($0.split(separator: "/").last!) }
      }
      let first = try [wanted("reflow-3"), wanted("align-your-flow")]
      #expect(
        first == [
          ["flow-matching.yaml", "reflow-2.yaml"], ["flow-matching.yaml", "flow-matching-weak.yaml"],
        ])
      try workshop.pipeline("flow-matching").train(progress: .silent)
      let then = try wanted("reflow-3")
      #expect(then == ["reflow-2.yaml"])
    }
  }

  @Test("metrics are lines of JSON, and curves are drawn of them")
  func metrics() throws {
    try withFolder { folder in
      let workshop = try PictureWorkshop(folder)
      try workshop.pipeline("meanflow", ["optimiser.report=2"]).train(progress: .silent)
      let place = "\(folder)/runs/meanflow/flow"
      let lines = try String(contentsOfFile: "\(place)/metrics.jsonl", encoding: .utf8).split(separator: "\n")
      let steps = lines.compactMap { line in
        (try? JSONDecoder().decode([String: Double].self, from: Data(line.utf8)))?["step"]
      }
      #expect(steps == [2, 4])
      let curves = try String(contentsOfFile: "\(place)/curves.svg", encoding: .utf8)
      #expect(curves.contains("loss") && curves.contains("<svg"))
    }
  }

  @Test("the recipes in a folder are listed with what they say of themselves")
  func list() throws {
    let entries = RecipeList(folders: [PictureWorkshop.recipes]).entries
    #expect(entries.count == PictureWorkshop.names.count + 1)
    #expect(entries.contains { $0.path.hasSuffix("meanflow.yaml") && $0.summary.contains("2505.13447") })
  }
}
