// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
public import FlowNN
public import FlowTensor

/// Training of the autoencoder: squared and absolute error of the decoded picture, with noise on the latents, which
/// makes decoding forgiving, and a slight pull of the latents towards zero, which keeps that noise from being outgrown.
public struct AutoencoderStage: TrainingStage {
  /// The name of the stage.
  public let name = "autoencoder"
  /// The model.
  public let model: Autoencoder
  private let recipe: AutoencoderRecipe
  private let training: Recording
  private let validation: Recording

  /// A stage that learns from one recording and is judged on another.
  public init(_ recipe: AutoencoderRecipe, training: Recording, validation: Recording) throws {
    for recording in [training, validation] {
      guard recording.height == recipe.model.height, recording.width == recipe.model.width else {
        throw TrainingError(
          .badRecording,
          "the recording is \(recording.width)×\(recording.height), the autoencoder \(recipe.model.width)×"
            + "\(recipe.model.height); change the recipe or record anew")
      }
    }
    model = Autoencoder(recipe.model)
    self.recipe = recipe
    self.training = training
    self.validation = validation
  }

  /// The parameters.
  public var layout: ParameterLayout { model.layout }
  /// The optimiser.
  public var optimiser: OptimiserRecipe { recipe.optimiser }
  /// Pictures a step.
  public var examplesPerStep: Int { recipe.batch }

  /// Fresh weights.
  public func initialWeights() -> [Tensor] { layout.initialize(seed: optimiser.seed) }

  /// mean (x̂ − x)² + 0.1·mean |x̂ − x| + 10⁻⁴·mean z².
  public func loss(_ p: Parameters, average: Parameters, progress: Double, random: inout Random)
    -> Variable
  {
    let indices = random.uniforms(recipe.batch).map {
      min(training.count - 1, Int($0 * Float(training.count)))
    }
    let pictures = Variable(training.pictures(indices))
    let latents = model.encode(pictures, p)
    let noise = Variable(random.normal(latents.shape).affine(scale: recipe.latentNoise))
    let error = model.decode(latents + noise, p) - pictures
    return error.map(.square).mean() + 0.1 * error.map(.absolute).mean() + 1e-4 * latents.map(.square).mean()
  }

  /// The peak signal-to-noise ratio on unseen pictures.
  public func validate(_ p: Parameters) -> [(name: String, value: Double)] {
    let pictures = validation.pictures(spread(512))
    return [("PSNR dB", psnr(meanSquare: meanSquare(reconstruct(pictures, p), pictures)))]
  }

  /// Unseen pictures above their reconstructions.
  public func samples(_ p: Parameters) -> any SamplePicture {
    let pictures = validation.pictures(spread(16))
    return SampleSheet(rows: [pictures, reconstruct(pictures, p)])
  }

  private func reconstruct(_ pictures: Tensor, _ p: Parameters) -> Tensor {
    model.decode(model.encode(Variable(pictures), p), p).tensor
  }

  private func spread(_ count: Int) -> [Int] { (0..<count).map { $0 * validation.count / count } }
}
