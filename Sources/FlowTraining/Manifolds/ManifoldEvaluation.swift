// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowGeneration
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
      evaluations: [Int] = [1, 2, 4, 8, 16, 32, 100], draws: Int = 10, testPoints: Int = 2000,
      likelihood: Bool = true
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
      deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(values.count - 1, 1)))
        .squareRoot()
    }
  }

  /// How far samples are from test points.
  public struct Row: Sendable, Codable, Equatable {
    /// What was compared: `jumps`, `euler`, `eulerAtEnd`, `floor` or `prior`.
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
  /// γ of the kernel exp(−γ·d²).
  public var gamma: Float
  /// Test points.
  public var testPoints: Int
  /// Training points against test points, then the prior, then the model by evaluations.
  public var rows: [Row]
  /// −log p of test points, in nats against the Riemannian volume.
  public var negativeLogLikelihood: Double?
  /// The same under the prior.
  public var priorNegativeLogLikelihood: Double

  init(
    _ recipe: ManifoldRecipe, _ bundle: ManifoldBundle, map: ManifoldMap, points: PointSet,
    _ settings: Settings,
    progress: Progress
  ) {
    let manifold = map.manifold, all = points.test
    let test = all.rows(0..<min(all.shape[0], settings.testPoints))
    gamma = recipe.gamma ?? 1
    let judge = Judge(
      manifold, test: test, gamma: gamma, draws: settings.draws, key: 9000 &+ 1000 &* recipe.optimiser.seed)
    name = recipe.name
    self.manifold = manifold.name
    target = recipe.objective.target.rawValue
    seed = recipe.optimiser.seed
    testPoints = test.shape[0]
    let training = points.training, prior = bundle.manifest.prior
    progress.show("\(recipe.name): floor and prior")
    rows = [
      judge.row("floor", 0, draws: 20) { random in
        training.gather(random.choice(of: test.shape[0], below: training.shape[0]))
      },
      judge.row("prior", 0) { prior.sample(test.shape[0], on: manifold, &$0) },
    ]
    let sampler = PointSampler(bundle)
    for evaluations in settings.evaluations {
      progress.show("\(recipe.name): \(evaluations) evaluations")
      rows.append(
        judge.row(bundle.manifest.sampler.rawValue, evaluations) { random in
          sampler.sample(test.shape[0], seed: random.key, PointWalk(evaluations: evaluations))
        })
    }
    if bundle.manifest.sampler == .euler {
      for evaluations in settings.evaluations {
        progress.show("\(recipe.name): \(evaluations) evaluations, at the end of steps")
        rows.append(
          judge.row(ManifoldStep.eulerAtEnd.rawValue, evaluations) { random in
            map.sample(
              prior.sample(test.shape[0], on: manifold, &random),
              schedule: uniformSchedule(steps: evaluations),
              by: .eulerAtEnd)
          })
      }
    }
    let mean = { (values: [Float]) in -values.reduce(0.0) { $0 + Double($1) } / Double(values.count) }
    priorNegativeLogLikelihood = mean(prior.logDensity(Variable(test), on: manifold).tensor.elements)
    if settings.likelihood {
      progress.show("\(recipe.name): likelihood")
      negativeLogLikelihood = mean(
        map.logLikelihood(test, prior: { prior.logDensity($0, on: manifold) }))
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
  /// Of the first draw: draws of trainings with other seeds are others, so that a mean over trainings is over more draws.
  let key: UInt64

  init(_ manifold: any Manifold, test: Tensor, gamma: Float, draws: Int, key: UInt64) {
    geodesic = Discrepancy(on: manifold, gamma: gamma)
    reference = geodesic.reference(test)
    perCoordinate =
      manifold is FlatTorus ? Discrepancy(on: manifold, distance: .perCoordinate, gamma: gamma) : nil
    coordinateReference = perCoordinate?.reference(test)
    self.draws = draws
    self.key = key
  }

  func row(_ name: String, _ evaluations: Int, draws: Int? = nil, _ sample: (inout Random) -> Tensor)
    -> ManifoldEvaluation.Row
  {
    let clock = ContinuousClock()
    var estimates: [Discrepancy.Estimate] = [], coordinates: [Double] = [], milliseconds = Double.infinity
    for draw in 0..<(draws ?? self.draws) {
      var random = Random(key: key &+ UInt64(draw))
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

extension Random {
  /// `count` different numbers below `bound`, or all of them.
  mutating func choice(of count: Int, below bound: Int) -> [Int32] {
    // A shuffle of which only the beginning is made: places that are not in the table hold their own number.
    var moved: [Int: Int] = [:]
    return zip(0..<min(count, bound), uniforms(count)).map { place, draw in
      let other = min(bound - 1, place + Int(draw * Float(bound - place)))
      let chosen = moved[other] ?? other
      moved[other] = moved[place] ?? place
      return Int32(chosen)
    }
  }
}
