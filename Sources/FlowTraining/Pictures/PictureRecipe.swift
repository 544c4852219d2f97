// SPDX-License-Identifier: Apache-2.0

public import FlowMaps
public import FlowNN
internal import FlowTensor

/// How a generator of small pictures is made: the pictures it learns, its network, its method, its optimiser.
public struct PictureRecipe: Sendable, Codable, Equatable {
  /// The name of the method, and of the folder of its run.
  public var name: String
  /// One sentence on the method, with its source.
  public var summary: String
  /// The folder of the pictures under `$FLOW_DATA/images`.
  public var pictures: String
  /// The classifier that measures what is made: a file beside the recipe. Nothing is measured if absent.
  public var classifier: String?
  /// The network.
  public var network: PictureNetworkRecipe
  /// A trained model that this one learns from; none if absent.
  public var teacher: PictureTeacherRecipe?
  /// The share of pictures that are learnt without their class; 0.1 if absent.
  public var labelDrop: Double?
  /// The method.
  public var objective: ObjectiveRecipe
  /// FreeFlow's second loss, which draws the law of what is made to the teacher's; none if absent.
  public var correction: CorrectionRecipe?
  /// Pictures a step.
  public var batch: Int
  /// The optimiser.
  public var optimiser: OptimiserRecipe
  /// How the finished model is sampled.
  public var sampler: PictureSamplerRecipe

  /// Reads a recipe; `settings` such as `optimiser.seed=2` replace what it says. Throws ``TrainingError``.
  public init(path: String, settings: [String] = []) throws {
    self = try RecipeFile(path: path, settings: settings).decode()
    if let fault { throw TrainingError(.badRecipe, "\(path): \(fault)") }
  }

  /// Whether a teacher gives this.
  func gives(_ gift: PictureTeacherRecipe.Gift) -> Bool { teacher?.gives.contains(gift) ?? false }

  /// The first field that cannot work and what it must be, or nil.
  private var fault: String? {
    let checks: [(Bool, String)] = [
      ((1...4096).contains(batch), "batch must lie in 1…4096"),
      ((0..<1).contains(labelDrop ?? 0.1), "labelDrop must lie in 0..<1"),
      (sampler.steps > 0, "sampler.steps must be positive"),
    ]
    return checks.first { !$0.0 }?.1 ?? network.fault.map { "network.\($0)" } ?? mismatch
      ?? objective.fault(hasKnownVelocity: gives(.velocity)).map {
        "objective: \($0)"
      }
      ?? optimiser.fault.map { "optimiser.\($0)" }
  }

  /// Two parts that do not go together and why, or nil.
  private var mismatch: String? {
    if correction != nil, !gives(.velocity) {
      return
        "correction compares with a teacher's velocity, and there is none; give teacher with gives [velocity]"
    }
    if objective.pairs == .fromNoise, !gives(.velocity) {
      return
        "objective: pairs fromNoise see no data, and no teacher's velocity is given; give teacher with gives [velocity]"
    }
    if network.guidanceInputs == true, objective.guidance?.rule != .own {
      return
        "network.guidanceInputs ask for a scale that objective.guidance of rule own alone hears; set the rule"
    }
    if network.head == .consistency || network.head == .trigonometric, !objective.isConsistency {
      return
        "network.head \(network.head!.rawValue) says where a jump to 0 lands, and target \(objective.target.rawValue) jumps elsewhere; use head velocity"
    }
    return nil
  }
}

/// The shape of a network over pictures.
public struct PictureNetworkRecipe: Sendable, Codable, Equatable {
  /// Rows and columns of a patch.
  public var patch: Int
  /// Width of a token.
  public var width: Int
  /// Transformer blocks.
  public var layers: Int
  /// Attention heads.
  public var heads: Int
  /// The highest frequency of the time embedding.
  public var timeScale: Double
  /// What an answer says; the velocity if absent.
  public var head: NetworkHead?
  /// How the network is told where a jump lands; by its length if absent.
  public var jumps: JumpConditioning?
  /// The blocks that are told t alone, the others r alone; both are told to all if absent.
  public var encoderLayers: Int?
  /// Whether a head of its own says the velocity; not if absent.
  public var velocityHead: Bool?
  /// Tokens that each condition becomes; conditions modulate if absent or 0.
  public var conditionTokens: Int?
  /// Whether the scale and the times of guidance are inputs; not if absent.
  public var guidanceInputs: Bool?
  /// Whether a noised picture and its time are given, of whose data the law is learnt: a meta flow map; not if absent.
  public var posterior: Bool?

  fileprivate var fault: String? {
    let checks: [(Bool, String)] = [
      (patch > 0, "patch must be positive"),
      ((1...4096).contains(width) && width % 4 == 0, "width must be a multiple of 4 up to 4096"),
      ((1...64).contains(layers), "layers must lie in 1…64"),
      (heads > 0 && width % heads == 0, "heads must divide width"),
      (timeScale > 0 && timeScale.isFinite, "timeScale must be positive"),
      ((0...(layers)).contains(encoderLayers ?? 0), "encoderLayers must not be more than layers"),
      ((0...16).contains(conditionTokens ?? 0), "conditionTokens must lie in 0…16"),
      (
        encoderLayers == nil || (conditionTokens ?? 0) == 0,
        "encoderLayers are modulated, and conditionTokens do away with it; give one of them"
      ),
      (
        velocityHead != true || head == nil || head == .velocity,
        "velocityHead stands beside head velocity; leave head out"
      ),
    ]
    return checks.first { !$0.0 }?.1
  }

  /// The network for pictures of a shape.
  func shape(of pictures: Shape, classes: Int) throws -> DiffusionTransformerConfiguration {
    guard pictures[0] % patch == 0, pictures[1] % patch == 0 else {
      throw TrainingError(
        .badRecipe, "network.patch \(patch) does not divide pictures of \(pictures[0])×\(pictures[1])")
    }
    var c = DiffusionTransformerConfiguration(
      pictureHeight: pictures[0], pictureWidth: pictures[1], pictureChannels: pictures[2], patch: patch,
      width: width, layers: layers, heads: heads, classes: classes, timeScale: timeScale)
    c.jumps = jumps ?? .length
    c.encoderLayers = encoderLayers
    c.hasVelocityHead = velocityHead ?? false
    c.conditionTokens = conditionTokens ?? 0
    c.scalars = (guidanceInputs == true ? 3 : 0) + (posterior == true ? 1 : 0)
    c.givenChannels = posterior == true ? pictures[2] : 0
    return c
  }
}

/// A trained model that another learns from.
public struct PictureTeacherRecipe: Sendable, Codable, Equatable {
  /// What a teacher gives.
  public enum Gift: String, Sendable, NamedChoice {
    /// Its weights, to begin with.
    case weights
    /// Its velocity, to learn in place of that of the path.
    case velocity
    /// Pairs of noise and what it makes of it, in place of data: reflow.
    case pairs
  }

  /// The recipe of the teacher, beside this one, without `.yaml`.
  public var recipe: String
  /// What it gives.
  public var gives: [Gift]
  /// The scale of classifier-free guidance of its velocity; 1 if absent.
  public var scale: Double?
  /// A weaker model, which guidance leads away from in place of the model without a class (autoguidance).
  public var weak: String?
  /// Pairs that it makes; 20,000 if absent.
  public var count: Int?
  /// Steps of Euler's method that it makes them with; 32 if absent.
  public var steps: Int?
}

/// FreeFlow's correction (2511.19428): a second network learns the velocity of what the first makes, and the difference to
/// the teacher's pulls the first.
public struct CorrectionRecipe: Sendable, Codable, Equatable {
  /// The share of a batch that learns by it; 0.25 if absent.
  public var share: Double?
  /// What it counts; 1 if absent.
  public var weight: Float?
  /// The law of the times that both velocities are compared at; a mean of 0.8 and a deviation of 1 if absent.
  public var law: LogitNormal?
}

/// How a generator of pictures is sampled.
public struct PictureSamplerRecipe: Sendable, Codable, Equatable {
  /// The way.
  public enum Kind: String, Sendable, NamedChoice {
    /// Euler's method, by the velocity at the start of each step.
    case euler
    /// Heun's method: two evaluations a step, but the last.
    case heun
    /// Jumps of the flow map.
    case jumps
    /// Jumps to the data, and noise again.
    case renoise
    /// DDIM on DDPM's path.
    case ddim
    /// The ancestral sampler of DDPM.
    case ancestral
    /// Euler–Maruyama on the reverse variance-preserving diffusion.
    case reverseDiffusion
  }

  /// The way.
  public var kind: Kind
  /// Network evaluations.
  public var steps: Int
  /// The scale of guidance: of two evaluations a step, or of one where the network is told it; 1 if absent.
  public var guidance: Double?
}
