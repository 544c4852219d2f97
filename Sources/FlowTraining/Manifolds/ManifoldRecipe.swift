// SPDX-License-Identifier: Apache-2.0

public import FlowGeneration
internal import FlowManifolds
public import FlowMaps
public import FlowNN
public import FlowTensor

/// How a flow map on a manifold is made: the points it learns, its network, its method, its optimiser.
public struct ManifoldRecipe: Sendable, Codable, Equatable {
  /// The name of the bundle.
  public var name: String
  /// One sentence on what the model makes.
  public var summary: String
  /// How it is made, in a line.
  public var method: String
  /// The licence of the data.
  public var dataLicence: String
  /// The manifold by its name, such as `sphere(2)`.
  public var manifold: String
  /// The points.
  public var data: PointSource
  /// Where generation starts from; the manifold's own prior if absent.
  public var prior: ManifoldPrior?
  /// The network.
  public var network: NetworkRecipe
  /// The method.
  public var objective: ObjectiveRecipe
  /// Pairs of data and noise a step.
  public var batch: Int
  /// The optimiser.
  public var optimiser: OptimiserRecipe
  /// How the finished model is sampled.
  public var sampler: PointSamplerRecipe
  /// γ of the kernel exp(−γ·d²) that samples are judged with; 1, as published, if absent.
  public var gamma: Float?

  /// Reads a recipe; `settings` such as `optimiser.seed=2` replace what it says. Throws ``TrainingError``.
  public init(path: String, settings: [String] = []) throws {
    self = try RecipeFile(path: path, settings: settings).decode()
    if let fault { throw TrainingError(.badRecipe, "\(path): \(fault)") }
  }

  /// The first field that cannot work and what it must be, or nil.
  private var fault: String? {
    let n = network
    let checks: [(Bool, String)] = [
      ((1...8192).contains(n.width), "network.width must lie in 1…8192"),
      ((1...64).contains(n.layers), "network.layers must lie in 1…64"),
      ((1...64).contains(n.harmonics ?? 1), "network.harmonics must lie in 1…64"),
      ((1...65_536).contains(batch), "batch must lie in 1…65536"),
      ((gamma ?? 1) > 0 && (gamma ?? 1).isFinite, "gamma must be positive"),
      (
        objective.guidance == nil,
        "objective.guidance leads towards a class, and points have none; remove it"
      ),
      (
        objective.target != .continuousConsistency && objective.target != .consistencyHeun,
        "objective.target \(objective.target.rawValue) is for pictures; use target meanFlow or consistencyFlow"
      ),
      (sampler.steps > 0, "sampler.steps must be positive"),
      (sampler.maximumSteps >= sampler.steps, "sampler.maximumSteps must be sampler.steps or more"),
    ]
    return checks.first { !$0.0 }?.1 ?? objective.fault().map { "objective: \($0)" }
      ?? optimiser.fault.map { "optimiser.\($0)" }
  }

  /// The space. Throws ``TrainingError`` for a name that is none.
  func space() throws -> any Manifold {
    let space: any Manifold
    do {
      space = try FlowManifolds.manifold(named: manifold)
    } catch {
      throw TrainingError(.badRecipe, "manifold: \(error)")
    }
    if let fault = network.head?.fault(on: space) { throw TrainingError(.badRecipe, "network.\(fault)") }
    return space
  }

  /// The shape of the network: it sees the cosines and sines of angles, and coordinates as they are, or as waves.
  func shape(on space: any Manifold) -> MLPConfiguration {
    MLPConfiguration(
      input: space.ambient, output: space.ambient, width: network.width, layers: network.layers,
      times: network.times ?? .everyLayer,
      angles: network.waves == true ? Array(0..<space.ambient) : angles(of: space),
      harmonics: network.harmonics ?? 1)
  }
}

/// The coordinates of a manifold that are angles, those of its parts included.
private func angles(of manifold: any Manifold) -> [Int] {
  switch manifold {
  case is FlatTorus: return Array(0..<manifold.ambient)
  case let scaled as Scaled: return angles(of: scaled.base)
  case let power as Power:
    let base = angles(of: power.base)
    return (0..<power.copies).flatMap { copy in base.map { $0 + copy * power.base.ambient } }
  case let product as Product:
    var start = 0
    return product.parts.flatMap { part in
      defer { start += part.ambient }
      return angles(of: part).map { $0 + start }
    }
  default: return []
  }
}

/// The shape of a network on a manifold.
public struct NetworkRecipe: Sendable, Codable, Equatable {
  /// Width of a hidden layer.
  public var width: Int
  /// Hidden layers.
  public var layers: Int
  /// How the network is told the times; at every layer if absent.
  public var times: TimeConditioning?
  /// Whether it sees every coordinate as an angle, by cosines and sines of its multiples: fine detail is learnt sooner
  /// (Tancik et al. 2020). For coordinates within ±1.
  public var waves: Bool?
  /// Multiples of each angle that it sees; 1 if absent.
  public var harmonics: Int?
  /// How its answer becomes a velocity; the tangent part of it if absent.
  public var head: Head?
}

/// How a finished flow map is sampled.
public struct PointSamplerRecipe: Sendable, Codable, Equatable {
  /// Network evaluations a point unless a client asks otherwise.
  public var steps: Int
  /// The most network evaluations a point.
  public var maximumSteps: Int
  /// How the weights are stored when it runs.
  public var precision: InferencePrecision
}
