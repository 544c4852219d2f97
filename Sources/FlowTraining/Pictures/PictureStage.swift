// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowManifolds
internal import FlowMaps
internal import FlowNN
internal import FlowTensor

/// Training of a generator of pictures by a method of the flow-map family.
struct PictureStage: TrainingStage {
  let name = "flow"
  let model: PictureModel
  let layout: ParameterLayout
  let recipe: PictureRecipe
  let teacher: PictureTeacher?
  private let objective: Objective
  private let pictures: PictureSet
  /// What is learnt in place of the data: what the teacher has made of noise.
  var pairs: PicturePairs?
  private let judge: PictureJudge?
  /// Where the network's parameters stand in the layout.
  let networkPart: Range<Int>
  private let variancePart: Range<Int>?
  private let variance = LogVariance()
  private let correction: PictureCorrection?

  /// A stage.
  ///
  /// - Parameters:
  ///   - teacher: the model that the recipe learns from.
  ///   - judge: how reports measure what is made; they do not if nil.
  init(
    _ recipe: PictureRecipe, pictures: PictureSet, teacher: PictureTeacher?, judge: PictureJudge?
  ) throws {
    model = try PictureModel(recipe.network, pictures: pictures.shape, classes: pictures.classes)
    objective = recipe.objective.objective(on: model.space, head: model.head)
    var layout = ParameterLayout()
    networkPart = layout.declare(model.network.layout, under: "network")
    variancePart =
      objective.weight.isLearnt ? layout.declare(variance.layout, under: "log_variance") : nil
    if let settings = recipe.correction, let teacher {
      correction = PictureCorrection(settings, teacher: teacher, &layout)
    } else {
      correction = nil
    }
    if recipe.gives(.weights), let fault = teacher?.mismatch(with: model) {
      throw TrainingError(.badRecipe, "teacher.gives weights: \(fault)")
    }
    self.layout = layout
    self.recipe = recipe
    self.pictures = pictures
    self.teacher = teacher
    self.judge = judge
  }

  var optimiser: OptimiserRecipe { recipe.optimiser }
  var examplesPerStep: Int { recipe.batch }

  /// Fresh weights, or those of the teacher where it gives them: parameters that it has too, under the same names.
  func initialWeights() -> [Tensor] {
    var fresh = layout.initialize(seed: optimiser.seed)
    guard let teacher, recipe.gives(.weights) else { return fresh }
    let given = teacher.beginning(seed: optimiser.seed)
    for (index, declaration) in layout.declarations.enumerated() {
      // The second network of a correction begins as the teacher, too.
      let name = declaration.name.drop { $0 != "." }.dropFirst()
      if let weight = given[String(name)] { fresh[index] = weight }
    }
    return fresh
  }

  func loss(_ p: Parameters, average: Parameters, progress: Double, random: inout Random) -> Variable {
    let batch = batch(&random)
    let source =
      recipe.objective.teacher == .average ? average.part(networkPart) : p.part(networkPart).detached
    let maps = maps(online: p.part(networkPart), teacher: source, batch, p)
    let loss = objective.loss(
      data: batch.data, noise: batch.noise, maps: maps, progress: progress, &random)
    let total = loss.diagonal + loss.jumps
    return correction.map {
      total + $0.loss(model, p, networkPart: networkPart, labels: batch.asked.labels, &random)
    } ?? total
  }

  /// The loss of flow matching on the same pictures by the same network.
  func flowMatchingLoss(_ p: Parameters, _ random: inout Random) -> Variable {
    let batch = batch(&random), plain = Objective(path: objective.path, pairs: .diagonal(), target: nil)
    let map = model.map(batch.asked, p.part(networkPart))
    return plain.loss(data: batch.data, noise: batch.noise, online: map, teacher: map, &random).diagonal
  }

  /// What a step learns from.
  private struct Batch {
    var data: Variable
    var noise: Variable
    var asked: PictureConditions
    var guidance: RowGuidance?
  }

  private func batch(_ random: inout Random) -> Batch {
    let count = recipe.batch, shape: Shape = [count, model.picture.count]
    let drawn: (data: Tensor, noise: Tensor, labels: [Int32])
    if let pairs {
      drawn = pairs.batch(count, &random)
    } else {
      let all = pictures.training
      let indices = random.uniforms(count).map { min(all.count - 1, Int($0 * Float(all.count))) }
      drawn = (all.pictures(indices).reshaped(shape), random.normal(shape), indices.map { all.labels[$0] })
    }
    let null = model.network.configuration.nullClass, drop = Float(recipe.labelDrop ?? 0.1)
    let labels = zip(drawn.labels, random.uniforms(count)).map { $1 < drop ? null : $0 }
    var asked = PictureConditions(labels: labels), guidance: RowGuidance?
    if recipe.network.guidanceInputs == true {
      let asks = GuidanceInputs.drawn(count, most: recipe.objective.guidance?.weight ?? 1, &random)
      (guidance, asked.scalars) = (asks.guidance, asks.scalars)
    }
    if recipe.network.posterior == true {
      let outer = OuterNoise.drawn(count, &random), noise = random.normal(shape)
      let x = Variable(drawn.data)
      asked.given = model.pictures(x + outer * (Variable(noise) - x))
      asked.scalars.append(outer)
    }
    return Batch(data: Variable(drawn.data), noise: Variable(drawn.noise), asked: asked, guidance: guidance)
  }

  private func maps(
    online: Parameters, teacher source: Parameters, _ batch: Batch, _ all: Parameters
  ) -> ObjectiveMaps {
    let asked = batch.asked, null = model.network.configuration.nullClass
    var maps = ObjectiveMaps(
      online: { model.map(asked.rows($0), online) }, teacher: { model.map(asked.rows($0), source) })
    maps.teacherIsOnline = recipe.objective.teacher != .average
    maps.guidance = batch.guidance.map { guidance in { guidance.rows($0) } }
    maps.unasked = Variable(
      Tensor(asked.labels.map { $0 == null ? 1 : 0 }, shape: [asked.labels.count, 1]))
    maps.unconditional = { rows in
      var nothing = asked.rows(rows)
      nothing.labels = nothing.labels.map { _ in null }
      return model.map(nothing, source)
    }
    if let teacher, recipe.gives(.velocity) {
      maps.known = { teacher.velocity(asked.rows($0).labels) }
    }
    if model.network.configuration.hasVelocityHead {
      maps.pair = { model.pair(asked.rows($0), online) }
      maps.head = { rows in { model.pair(asked.rows(rows), source)($0, $1).head } }
    }
    if let variancePart {
      maps.logVariance = { variance(r: $0, t: $1, all.part(variancePart)) }
    }
    return maps
  }

  func validate(_ p: Parameters) -> [(name: String, value: Double)] {
    judge?.figures(sampler(p)) ?? []
  }

  /// How the trained network is sampled.
  func sampler(_ p: Parameters) -> PictureSampler {
    PictureSampler(model, p.part(networkPart), recipe.sampler, isPosterior: recipe.network.posterior == true)
  }

  /// Ten pictures of each class, by the recipe's own number of evaluations.
  func samples(_ p: Parameters) -> any SamplePicture { sheet(p, evaluations: recipe.sampler.steps) }

  /// Ten pictures of each class, a row each.
  func sheet(_ p: Parameters, evaluations: Int) -> SampleSheet {
    let classes = pictures.classes, labels = (0..<10 * classes).map { Int32($0 / 10) }
    let made = sampler(p).sample(labels, evaluations: evaluations, seed: optimiser.seed)
    return SampleSheet.grey(rows: (0..<classes).map { made.rows(10 * $0..<10 * ($0 + 1)) })
  }
}
