// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowGeneration
import FlowManifolds
import FlowMaps
import FlowNN
import FlowTensor
import Foundation
import Testing

@testable import FlowTraining

@Suite("Training on manifolds")
struct ManifoldRunTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../../manifolds").standardizedFileURL.path()
  static let shipped = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { FileManager.default.fileExists(atPath: "\(folder)/\($0)/recipe.yaml") }.sorted()

  @Test("every shipped recipe is read whole, and names its own folder", arguments: shipped)
  func recipes(name: String) throws {
    let recipe = try ManifoldRecipe(path: "\(Self.folder)/\(name)/recipe.yaml")
    #expect(recipe.name == name)
    let space = try recipe.space()
    #expect(recipe.priorFault(on: space) == nil)
    #expect(MLP(recipe.shape(on: space)).layout.count > 0)
  }

  /// A recipe that trains in seconds, with settings in place of some values.
  static func recipe(_ settings: [String] = [], in folder: String) throws -> ManifoldRecipe {
    let path = folder + "/recipe.yaml"
    try """
    name: tiny
    summary: A helix.
    method: to test
    dataLicence: none
    manifold: sphere(2)
    data: helix
    network: { width: 16, layers: 2 }
    objective: { target: lagrangian, pairs: everyRow }
    batch: 32
    optimiser: { steps: 6, rate: 1.0e-3, warmup: 2, beta2: 0.99, decay: 0.01, clip: 1, averageDecay: 0.9, seed: 5, report: 1000, precision: float32 }
    sampler: { steps: 1, maximumSteps: 10, precision: float32 }
    """.write(toFile: path, atomically: true, encoding: .utf8)
    return try ManifoldRecipe(path: path, settings: settings)
  }

  /// 400 points near the pole of a sphere.
  static func points() throws -> PointSet {
    let sphere = Sphere(dimension: 2)
    var random = Random(key: 4)
    let pole = Variable(Tensor([0, 0, 1], shape: [1, 3])).broadcast(to: [400, 3])
    let points = sphere.exp(pole, 0.4 * sphere.tangentNormal(at: pole, &random)).tensor
    return try PointSet(points, on: sphere, origin: "test")
  }

  static func stage(_ settings: [String], in folder: String) throws -> ManifoldStage {
    ManifoldStage(try recipe(settings, in: folder), points: try points(), manifold: Sphere(dimension: 2))
  }

  static let methods: [[String]] = [
    ["objective.target=none", "objective.pairs=diagonal"], [], ["objective.target=eulerian"],
    ["objective.target=semigroup", "objective.pairs=triangle"],
    ["objective.target=meanFlow", "objective.pairs=logitNormal", "objective.weight=adaptive"],
    ["objective.target=meanFlowOwn"],
    ["objective.target=alpha", "objective.pairs=logitNormal", "objective.weight=adaptive"],
    [
      "objective.target=meanFlow", "objective.pairs=logitNormal", "objective.lengthPower=1",
      "objective.timeWeight=minimumSNR", "objective.curriculum={ clusters: 4, last: 0.5 }",
    ], ["objective.pairs=length", "objective.teacher=average"],
    ["objective.target=lagrangianRegression"],
    ["objective.target=consistency", "objective.pairs=toData"],
    ["objective.target=eulerianPublished"],
    ["objective.target=consistencyFlow", "objective.pairs=toData", "objective.diagonal=0.5"],
    ["objective.target=consistency", "objective.pairs=levels"],
    ["objective.pairs=triangle", "objective.weight=logVariance", "objective.weighsDiagonal=true"],
    ["objective.target=improvedMeanFlow", "objective.pairs=triangle", "objective.weight=cauchy"],
    ["objective.target=semigroup", "objective.pairs=dyadic", "objective.teacher=average"],
  ]

  @Test("a run of any method that is stopped and resumed ends bit-identical", arguments: methods)
  func resumed(settings: [String]) throws {
    try withFolder { folder in
      let stage = try Self.stage(settings, in: folder)
      var whole = try TrainingRun(stage, folder: folder + "/whole")
      try whole.train(progress: .silent)
      for limit in [1, 4, .max] {
        var part = try TrainingRun(stage, folder: folder + "/parts")
        try part.train(until: limit, progress: .silent)
      }
      let checkpoints = try ["whole", "parts"].map { try bytes(of: "\(folder)/\($0)/checkpoint.safetensors") }
      #expect(checkpoints[0] == checkpoints[1] && whole.step == 6)
      #expect(whole.averages.flatMap(\.elements) != stage.initialWeights().flatMap(\.elements))
    }
  }

  @Test("a few hundred steps bring one-step samples to the data", arguments: methods.prefix(10))
  func learns(settings: [String]) throws {
    try withFolder { folder in
      let stage = try Self.stage(
        settings + ["optimiser.steps=300", "optimiser.rate=5.0e-3", "batch=128"], in: folder)
      var run = try TrainingRun(stage, folder: folder + "/run")
      let before = Dictionary(
        uniqueKeysWithValues: stage.validate(Parameters(run.averages)).map { ($0.name, $0.value) })
      try run.train(progress: .silent)
      let after = Dictionary(
        uniqueKeysWithValues: stage.validate(Parameters(run.averages)).map { ($0.name, $0.value) })
      #expect(run.skipped == 0)
      #expect(after["diagonal"]! < 0.75 * before["diagonal"]!, "\(before), \(after)")
      #expect(after["MMD 4"]! < 0.5 * before["MMD 4"]!, "\(before), \(after)")
    }
  }

  @Test("AlphaFlow is flow matching first, then a mixture, then MeanFlow; a held share stays")
  func fall() throws {
    try withFolder { folder in
      let at = { (settings: [String], progress: Double) in
        try Self.recipe(["objective.target=alphaOwn"] + settings, in: folder).objective
          .objective(on: Sphere(dimension: 2)).target?.at(progress: progress)
      }
      let targets = try [0, 0.4, 0.9].map { try at([], $0) }
      #expect((targets[0] as? Alpha)?.share == 1)
      #expect(abs(((targets[1] as? Alpha)?.share ?? 0) - 0.5) < 1e-9)
      #expect((targets[2] as? ManifoldMeanFlow)?.motion == .own)
      let held = try at(["objective.share=0.25"], 0.9)
      #expect((held as? Alpha)?.share == 0.25)
      for (settings, said) in [
        (["objective.share=0"], "share"), (["objective.fall={ from: 0.5, to: 0.5 }"], "fall"),
        (["objective.share=0.5", "objective.fall={ from: 0.1, to: 0.5 }"], "one of them"),
        (["objective.target=semigroup", "objective.share=0.5"], "target semigroup"),
      ] {
        #expect {
          _ = try at(settings, 0)
        } throws: { error in
          (error as? TrainingError)?.message.contains(said) == true
        }
      }
    }
  }

  @Test("a packed bundle is read back with the recipe's geometry, and makes the points of the trained map")
  func packed() throws {
    try withFolder { folder in
      _ = try Self.recipe(in: folder)
      let pipeline = try ManifoldPipeline(
        recipePath: folder + "/recipe.yaml", runs: folder + "/runs", data: nil)
      try pipeline.train(until: nil, progress: .silent)
      try pipeline.pack(to: folder + "/tiny")
      let bundle = try ManifoldBundle(folder: folder + "/tiny")
      #expect(
        bundle.manifest.geometry == "sphere(2)"
          && bundle.weights.count == pipeline.stage.layout.declarations.count)
      var random = Random(key: 8)
      let noise = Sphere(dimension: 2).samplePrior(50, &random)
      let one = pipeline.stage.map(Parameters(bundle.weights)).sample(noise, schedule: [1, 0])
      let other = PointSampler(bundle).transport(noise, PointWalk(evaluations: 1))
      #expect(zip(one.elements, other.elements).allSatisfy { abs($0 - $1) < 1e-5 })
      let evaluation = pipeline.evaluate(
        bundle, .init(evaluations: [1, 2], draws: 2, testPoints: 100), progress: .silent)
      #expect(evaluation.rows.map(\.sampler) == ["floor", "prior", "jumps", "jumps"])
      #expect(evaluation.rows[0].biased.mean < evaluation.rows[1].biased.mean)
      #expect(abs(evaluation.priorNegativeLogLikelihood - 2.5310) < 1e-3)
      #expect(evaluation.negativeLogLikelihood!.isFinite && "\(evaluation)".contains("NLL of test points"))
    }
  }

  @Test("a run does not go on from a checkpoint that another recipe made")
  func otherRecipe() throws {
    try withFolder { folder in
      _ = try Self.recipe(in: folder)
      let pipeline = { (settings: [String]) in
        try ManifoldPipeline(
          recipePath: folder + "/recipe.yaml", settings: settings, runs: folder + "/runs", data: nil)
      }
      try pipeline([]).train(until: 2, progress: .silent)
      let error = #expect(throws: TrainingError.self) {
        try pipeline(["objective.target=semigroup"]).train(until: 3, progress: .silent)
      }
      #expect(error?.code == .badCheckpoint && error?.message.contains("recipe.yaml") == true)
      // Nor are its weights packed under another's name.
      let mislabelled = #expect(throws: TrainingError.self) {
        try pipeline(["objective.target=semigroup"]).pack(to: folder + "/other")
      }
      #expect(mislabelled?.code == .badCheckpoint && mislabelled?.message.contains("--set") == true)
      try pipeline(["summary=Other words.", "optimiser.report=2"]).train(until: 4, progress: .silent)
    }
  }

  @Test("a campaign trains each method with each seed once, and makes a table of them")
  func campaign() throws {
    try withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder + "/tiny", withIntermediateDirectories: true)
      _ = try Self.recipe(in: folder + "/tiny")
      try """
      recipes: [tiny]
      seeds: [1, 2]
      methods:
        - { name: RFM, settings: [objective.target=none, objective.pairs=diagonal] }
        - { name: G-PSD, settings: [objective.target=semigroup], recipes: { tiny: [optimiser.steps=4] } }
      settings: { tiny: [optimiser.steps=3] }
      published: { tiny: { G-PSD: 0.25 } }
      """.write(toFile: folder + "/campaign.yaml", atomically: true, encoding: .utf8)
      let campaign = try Campaign(
        path: folder + "/campaign.yaml", runs: folder + "/runs", data: nil,
        evaluation: .init(evaluations: [1, 2], draws: 2, testPoints: 60))
      var counts: [Int] = []
      try campaign.run(progress: .silent) { counts.append($0.count) }
      #expect(counts == [1, 2, 3, 4])
      let results = try campaign.results()
      #expect(
        results.map(\.seed) == [1, 2, 1, 2] && results.map(\.steps) == [3, 3, 4, 4]
          && results.allSatisfy { $0.skipped == 0 })
      let table = campaign.markdown(results)
      #expect(table.contains("### tiny: sphere(2), 60 test points"))
      let rows = table.split(separator: "\n").filter { $0.hasPrefix("| ") }
      #expect(
        rows.count == 5 && rows[3].hasPrefix("| RFM, end of step |") && rows[4].contains("| 0.25 |"),
        "\(table)")
      #expect(Set(rows.map { $0.count { $0 == "|" } }).count == 1)
      // Nothing is trained again, and nothing by another recipe is taken for its result.
      try campaign.run(progress: .silent) { counts.append($0.count) }
      #expect(try campaign.results() == results)
      _ = try Self.recipe(in: folder + "/tiny")
      let recipe = try String(contentsOfFile: folder + "/tiny/recipe.yaml", encoding: .utf8)
      try recipe.replacing("batch: 32", with: "batch: 33").write(
        toFile: folder + "/tiny/recipe.yaml", atomically: true, encoding: .utf8)
      let error = #expect(throws: TrainingError.self) { try campaign.run(progress: .silent) { _ in } }
      #expect(error?.code == .badCheckpoint && error?.message.contains("remove") == true)
    }
  }

  /// A setting that cannot be, and what the error names.
  static let faults: [(String, String)] = [
    ("objective.target=lagrange", "none, lagrangian, eulerian"), ("batch=abc", "'batch'"),
    ("objective.pairs=diagonal", "pairs everyRow"),
    ("objective.target=none", "pairs diagonal"), ("objective.target=consistency", "pairs toData"),
    ("objective.clip=0", "clip"), ("manifold=sphere(0)", "sphere"), ("network.width=0", "network.width"),
    ("batch=0", "batch"), ("batch=1000000000000", "65536"),
    ("objective.law={ mean: .nan, deviation: 1 }", "law"),
    ("objective.otherLaw={ mean: 0, deviation: 0 }", "law"), ("objective.lengthPower=0", "lengthPower"),
    ("objective.pairs=levels", "target consistency"),
    ("objective.curriculum={ clusters: 0, last: 1 }", "curriculum"),
    ("objective.weigth=none", "objective.weigth"), ("nothing.at=1", "nothing"),
    ("optimiser", "optimiser.seed=2"), ("data=moon", "volcano, earthquake"),
    ("optimiser.clip=-1", "optimiser.clip"),
  ]

  @Test("an answer that is measured by the metric wants a metric that all directions share")
  func conformal() throws {
    try withFolder { folder in
      let space = { (manifold: String) in
        try Self.recipe(["network.head=metricNormalised", "manifold=\(manifold)"], in: folder).space()
      }
      let ball = try space("poincare(2)")
      #expect(ball.name == "poincare(2)")
      for name in ["hyperboloid(2)", "product(poincare(2),sphere(2))", "spd(2)"] {
        let error = #expect(throws: TrainingError.self) { _ = try space(name) }
        #expect(error?.message.contains("network.head metricNormalised") == true, "\(error?.message ?? "")")
      }
    }
  }

  @Test("a seed of any size evaluates, and made data refuse a manifold that they are not made for")
  func sizes() throws {
    try withFolder { folder in
      let seed = "optimiser.seed=18446744073709551615"
      let stage = try Self.stage([seed], in: folder)
      let pipeline = try ManifoldPipeline(
        recipePath: folder + "/recipe.yaml", settings: [seed], runs: folder, data: nil)
      let bundle = try pipeline.bundle(weights: stage.initialWeights())
      let evaluation = pipeline.evaluate(
        bundle, .init(evaluations: [1], draws: 2, testPoints: 10, likelihood: false), progress: .silent)
      #expect(evaluation.rows.allSatisfy { $0.biased.mean.isFinite })
      for (data, name) in [("helix", "sphere(1)"), ("helix", "torus(3)"), ("hyperbolicPair", "torus(2)")] {
        let error = #expect(throws: TrainingError.self) {
          _ = try ManifoldPipeline(
            recipePath: folder + "/recipe.yaml", settings: ["data=\(data)", "manifold=\(name)"], runs: folder,
            data: nil)
        }
        #expect(error?.code == .badRecipe && error?.message.contains(name) == true)
      }
    }
  }

  @Test("a recipe that cannot work is refused with the field or both parts that disagree", arguments: faults)
  func refused(example: (String, String)) throws {
    try withFolder { folder in
      let error = #expect(throws: TrainingError.self) { try Self.recipe([example.0], in: folder).space() }
      #expect(error?.message.contains(example.1) == true, "\(error?.message ?? "")")
    }
  }
}
