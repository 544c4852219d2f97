// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowCheckpoint
internal import FlowGeneration
public import FlowManifolds
internal import FlowMaps
public import FlowNN
internal import FlowPlot
public import FlowTensor

/// Training of a flow map on a manifold, on pairs of a point of the data and one of the prior.
///
/// The teacher of every target is the network itself, at its present weights as constants or at their moving average.
public struct ManifoldStage: TrainingStage {
  /// The name of the stage.
  public let name = "flow"
  /// The network.
  public let model: MLP
  let manifold: any Manifold
  private let recipe: ManifoldRecipe
  private let objective: Objective
  private let prior: ManifoldPrior
  private let training: Tensor
  private let validation: Tensor
  /// The network's parameters, and after them those of a learnt weight.
  public let layout: ParameterLayout
  private let variance = LogVariance()
  private let variancePart: Range<Int>?

  /// A stage that learns from the training part of a set of points.
  public init(_ recipe: ManifoldRecipe, points: PointSet, manifold: any Manifold) {
    self.recipe = recipe
    self.manifold = manifold
    model = MLP(recipe.shape(on: manifold))
    objective = recipe.objective.objective(on: manifold)
    var layout = model.layout
    variancePart =
      objective.weight.isLearnt ? layout.declare(variance.layout, under: "log_variance") : nil
    self.layout = layout
    prior = recipe.prior ?? .standard
    training = points.training
    // As many as a report can afford to compare in pairs.
    let affordable = Int(Double(20_000_000 / manifold.ambient).squareRoot()), all = points.validation
    validation = all.rows(0..<min(all.shape[0], affordable, 1000))
  }

  /// The optimiser.
  public var optimiser: OptimiserRecipe { recipe.optimiser }
  /// Pairs a step.
  public var examplesPerStep: Int { recipe.batch }

  /// Fresh weights.
  public func initialWeights() -> [Tensor] { layout.initialize(seed: optimiser.seed) }

  /// The map that weights make.
  func map(_ p: Parameters) -> ManifoldMap {
    ManifoldMap(manifold, head: recipe.network.head ?? .velocity) { z, r, t in model(z, r: r, t: t, p) }
  }

  /// The objective of points drawn with replacement and of the prior.
  public func loss(_ p: Parameters, average: Parameters, progress: Double, random: inout Random)
    -> Variable
  {
    let count = training.shape[0]
    let indices = random.uniforms(recipe.batch).map { Int32(min(count - 1, Int($0 * Float(count)))) }
    let noise = prior.sample(recipe.batch, on: manifold, &random)
    let isOwn = recipe.objective.teacher != .average
    var maps = ObjectiveMaps(online: map(p), teacher: map(isOwn ? p.detached : average))
    maps.teacherIsOnline = isOwn
    if let variancePart { maps.logVariance = { variance(r: $0, t: $1, p.part(variancePart)) } }
    let loss = objective.loss(
      data: Variable(training.gather(indices)), noise: Variable(noise), maps: maps, progress: progress,
      &random)
    return loss.diagonal + loss.jumps
  }

  /// On unseen points: the loss of the velocity, and how far samples are, by network evaluations.
  public func validate(_ p: Parameters) -> [(name: String, value: Double)] {
    var random = Random(key: optimiser.seed, stream: 1 << 60)
    let map = map(p), noise = prior.sample(validation.shape[0], on: manifold, &random)
    let plain = Objective(path: GeodesicPath(manifold), pairs: .diagonal(), target: nil)
    let diagonal = plain.loss(
      data: Variable(validation), noise: Variable(noise), online: map, teacher: map, &random
    ).diagonal
    let discrepancy = Discrepancy(on: manifold, gamma: recipe.gamma ?? 1),
      reference = discrepancy.reference(validation)
    return [("diagonal", Double(diagonal.tensor.item))]
      + [1, 4].map { steps in
        let samples = map.sample(noise, schedule: uniformSchedule(steps: steps), by: step)
        return ("MMD \(steps)", discrepancy.estimate(samples, against: reference).biased)
      }
  }

  /// How the trained map is walked: a method that learns no jumps has only velocities.
  var step: ManifoldStep { recipe.objective.target == .none ? .euler : .jump }

  /// Samples in one evaluation, or in 100 for flow matching, as a density under unseen points.
  public func samples(_ p: Parameters) -> any SamplePicture {
    var random = Random(key: optimiser.seed, stream: 1 << 61)
    let steps = step == .euler ? 100 : 1
    let samples = map(p).sample(
      prior.sample(4096, on: manifold, &random), schedule: uniformSchedule(steps: steps), by: step)
    return PointPicture(
      manifold: manifold, title: "\(recipe.name): \(steps == 1 ? "one evaluation" : "\(steps) evaluations")",
      generated: samples, data: validation)
  }
}

/// Generated points as a density under true ones as dots, an SVG file.
struct PointPicture: SamplePicture {
  static var fileExtension: String { "svg" }
  let svg: String

  /// A picture of the kind that suits the manifold.
  init(manifold: any Manifold, title: String, generated: Tensor, data: Tensor) {
    svg =
      PointPlot(
        surface(of: manifold, data), title: title, generated: generated.elements, data: data.elements,
        width: manifold.ambient
      ).svg
  }

  func write(to path: String) throws { try AtomicFile.write(Array(svg.utf8), to: path) }
}

/// How points of a manifold are laid on paper: by its kind, and others by their first two coordinates.
private func surface(of manifold: any Manifold, _ data: Tensor) -> PointPlot.Surface {
  switch manifold.name {
  case "sphere(2)": return .sphere
  case "so(3)": return .rotations
  case "poincare(2)": return .disk
  case let name where name.hasPrefix("torus("): return .torus
  default:
    let most = data.elements.reduce(Float(0)) { max($0, abs($1)) }
    return .plane(reach: Double(max(most, 1e-3)) * 1.1)
  }
}
