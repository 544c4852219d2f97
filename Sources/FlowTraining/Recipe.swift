// SPDX-License-Identifier: Apache-2.0

public import FlowNN
public import FlowTensor

/// How a video model is made: what it is trained on, its shape, and the stages of its training.
public struct Recipe: Sendable, Codable, Equatable {
  /// The name of the bundle.
  public var name: String
  /// One sentence on what the model makes.
  public var summary: String
  /// How it is made, in a line.
  public var method: String
  /// The licence of the data.
  public var dataLicence: String
  /// The folder of the recording under `$FLOW_DATA`.
  public var recording: String
  /// The autoencoder and its training.
  public var autoencoder: AutoencoderRecipe
  /// The generator's shape.
  public var transformer: TransformerRecipe
  /// Flow matching: the many-step teacher.
  public var teacher: GeneratorRecipe
  /// The flow-map objective: the few-step student, which begins as the teacher.
  public var student: GeneratorRecipe
  /// How the finished model is sampled.
  public var sampler: SamplerRecipe

  /// Reads a recipe; `settings` such as `teacher.batch=16` replace what it says. Throws ``TrainingError`` with the
  /// field at fault.
  public init(path: String, settings: [String] = []) throws {
    self = try RecipeFile(path: path, settings: settings).decode()
    if let fault { throw TrainingError(.badRecipe, "\(path): \(fault)") }
  }
}

/// An autoencoder and its training.
public struct AutoencoderRecipe: Sendable, Codable, Equatable {
  /// The shape.
  public var model: AutoencoderConfiguration
  /// The optimiser.
  public var optimiser: OptimiserRecipe
  /// Pictures a step.
  public var batch: Int
  /// Standard deviation of the noise added to latents in training, on raw latents: makes decoding forgiving.
  public var latentNoise: Float
}

/// The shape of a generator.
public struct TransformerRecipe: Sendable, Codable, Equatable {
  /// Width of a token.
  public var width: Int
  /// Transformer blocks.
  public var layers: Int
  /// Attention heads.
  public var heads: Int
  /// Frames that a frame sees, its own included, beside the sink.
  public var window: Int
  /// First frames that every frame sees.
  public var sink: Int
}

/// A stage of a generator's training.
public struct GeneratorRecipe: Sendable, Codable, Equatable {
  /// The optimiser.
  public var optimiser: OptimiserRecipe
  /// Sequences a step.
  public var batch: Int
  /// Frames of a sequence, the first of which is given.
  public var frames: Int
  /// Share of frames at t = 1.
  public var atOne: Float
  /// The most noise added to the latent before, as a standard deviation; each frame draws its own.
  public var contextNoise: Float
  /// Share of the latents before that are the model's own predictions.
  public var ownContext: Float
  /// Share of the sequences that learn jumps of the flow map; the others learn its diagonal.
  public var jumps: Float
  /// Jumps belong to the schedules of 1, 2, … 2^(levels−1) steps.
  public var levels: Int
}

/// How a finished model is sampled.
public struct SamplerRecipe: Sendable, Codable, Equatable {
  /// Network evaluations a frame unless a client asks otherwise.
  public var steps: Int
  /// The most network evaluations a frame.
  public var maximumSteps: Int
  /// The action of a stream that nobody steers.
  public var defaultAction: String
  /// Standard deviation of the noise added to the latent before.
  public var contextNoise: Float
  /// How the generator's weights and caches are stored when it runs.
  public var precision: InferencePrecision
}
