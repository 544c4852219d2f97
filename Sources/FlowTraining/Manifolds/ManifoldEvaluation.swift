// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowManifolds
internal import FlowMaps
internal import FlowTensor

/// What a flow map on a manifold is worth on points that it has not seen.
public struct ManifoldEvaluation: Sendable, Codable, Equatable {
  /// What is measured.
  public struct Settings: Sendable {
    /// Network evaluations a point.
    public var evaluations: [Int]
    /// Draws that a mean is over.
    public var draws: Int
    /// The most test points.
    public var testPoints: Int
    /// Whether the likelihood is computed, which costs a tangent for each coordinate.
    public var likelihood: Bool

    /// What is measured unless said otherwise.
    public init(
      evaluations: [Int] = [1, 2, 4, 8, 16, 32, 100], draws: Int = 5, testPoints: Int = 2000, likelihood: Bool = true
    ) {
      self.evaluations = evaluations
      self.draws = draws
      self.testPoints = testPoints
      self.likelihood = likelihood
    }
  }

  /// A mean over draws and its standard deviation.
  public struct Spread: Sendable, Codable, Equatable {
    /// The mean.
    public var mean: Double
    /// The standard deviation of a single draw.
    public var deviation: Double

    init(_ values: [Double]) {
      let mean = values.reduce(0, +) / Double(max(values.count, 1))
      self.mean = mean
      deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(values.count - 1, 1))).squareRoot()
    }
  }

  /// How far samples are from test points.
  public struct Row: Sendable, Codable, Equatable {
    /// What was compared: `jump`, `euler`, `eulerAtEnd`, `floor` or `prior`.
    public var sampler: String
    /// Network evaluations a point.
    public var evaluations: Int
    /// √MMD², biased, with the geodesic kernel: the published measure.
    public var biased: Spread
    /// MMD² without bias; may be negative.
    public var unbiasedSquare: Spread
    /// The biased one with kernels of one coordinate each; on tori alone.
    public var perCoordinate: Spread?
    /// Milliseconds for 1,000 samples, the best draw.
    public var milliseconds: Double
  }

  /// The recipe's name.
  public var name: String
  /// The manifold.
  public var manifold: String
  /// What jumps were compared with in training.
  public var target: String
  /// The seed of the training.
  public var seed: UInt64
  /// Test points.
  public var testPoints: Int
  /// Training points against test points, then the prior, then the model by evaluations.
  public var rows: [Row]
  /// −log p of test points, in nats against the Riemannian volume.
  public var negativeLogLikelihood: Double?
  /// The same under the prior.
  public var priorNegativeLogLikelihood: Double

  init(
    _ recipe: ManifoldRecipe, map: ManifoldMap, step: ManifoldStep, points: PointSet, _ settings: Settings,
    progress: Progress
  ) {
    let manifold = map.manifold, all = points.test
    let test = all.rows(0..<min(all.shape[0], settings.testPoints))
    let judge = Judge(manifold, test: test, draws: settings.draws)
    name = recipe.name
    self.manifold = manifold.name
    target = recipe.objective.target.rawValue
    seed = recipe.optimiser.seed
    testPoints = test.shape[0]
    let training = points.training
    progress.show("\(recipe.name): floor and prior")
    rows = [
      judge.row("floor", 0, draws: 20) { random in
        let draws = random.uniforms(test.shape[0])
        return training.gather(draws.map { Int32(min(training.shape[0] - 1, Int($0 * Float(training.shape[0])))) })
      },
      judge.row("prior", 0) { manifold.samplePrior(test.shape[0], &$0) },
    ]
    let steps: [ManifoldStep] = step == .euler ? [.euler, .eulerAtEnd] : [step]
    for (step, evaluations) in steps.flatMap({ step in settings.evaluations.map { (step, $0) } }) {
      progress.show("\(recipe.name): \(step) with \(evaluations) evaluations")
      rows.append(
        judge.row(step.rawValue, evaluations) { random in
          map.sample(
            manifold.samplePrior(test.shape[0], &random), schedule: uniformSchedule(steps: evaluations), by: step)
        })
    }
    let mean = { (values: [Float]) in -values.reduce(0.0) { $0 + Double($1) } / Double(values.count) }
    priorNegativeLogLikelihood = mean(manifold.priorLogDensity(Variable(test)).tensor.elements)
    if settings.likelihood {
      progress.show("\(recipe.name): likelihood")
      negativeLogLikelihood = mean(map.logLikelihood(test))
    }
  }
}

/// Compares samples with test points.
private struct Judge {
  let geodesic: Discrepancy
  let perCoordinate: Discrepancy?
  let reference: Discrepancy.Reference
  let coordinateReference: Discrepancy.Reference?
  let draws: Int

  init(_ manifold: any Manifold, test: Tensor, draws: Int) {
    geodesic = Discrepancy(on: manifold)
    reference = geodesic.reference(test)
    perCoordinate =
      manifold is FlatTorus ? Discrepancy(on: manifold, distance: .perCoordinate) : nil
    coordinateReference = perCoordinate?.reference(test)
    self.draws = draws
  }

  func row(_ name: String, _ evaluations: Int, draws: Int? = nil, _ sample: (inout Random) -> Tensor)
    -> ManifoldEvaluation.Row
  {
    let clock = ContinuousClock()
    var estimates: [Discrepancy.Estimate] = [], coordinates: [Double] = [], milliseconds = Double.infinity
    for draw in 0..<(draws ?? self.draws) {
      var random = Random(key: 9000 + UInt64(draw))
      var samples = Tensor(0)
      let time = clock.measure { samples = sample(&random) }
      milliseconds = min(milliseconds, time / .milliseconds(1) * 1000 / Double(samples.shape[0]))
      estimates.append(geodesic.estimate(samples, against: reference))
      if let perCoordinate, let coordinateReference {
        coordinates.append(perCoordinate.estimate(samples, against: coordinateReference).biased)
      }
    }
    return ManifoldEvaluation.Row(
      sampler: name, evaluations: evaluations, biased: .init(estimates.map(\.biased)),
      unbiasedSquare: .init(estimates.map(\.unbiasedSquare)),
      perCoordinate: coordinates.isEmpty ? nil : .init(coordinates), milliseconds: milliseconds)
  }
}
