// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowGeneration
internal import FlowMaps
public import FlowNN
public import FlowTensor

/// Training of the generator on sequences of latents, every frame at a time of its own.
///
/// The diagonal is flow matching with a prediction of the data; off the diagonal the flow map learns that a jump is two
/// half jumps (``semigroupTarget``), with the moving average as target network. The latents before are noised, and
/// partly replaced by what the model itself predicts, so that long streams hold.
public struct GeneratorStage: TrainingStage {
  /// The name of the stage.
  public let name: String
  let model: CausalTransformer
  private let recipe: GeneratorRecipe
  private let training: LatentRecording
  private let rollouts: RolloutMeasure
  private let contextNoise: Float
  private let initial: [Tensor]?

  /// - Parameters:
  ///   - rollouts: how the stage is judged.
  ///   - contextNoise: standard deviation of the noise that judged streams add to the latent before.
  ///   - initial: the weights of the stage before; nil begins with fresh ones.
  init(
    name: String, _ recipe: GeneratorRecipe, model: CausalTransformer, training: LatentRecording,
    rollouts: RolloutMeasure, contextNoise: Float, initial: [Tensor]?
  ) {
    self.name = name
    self.recipe = recipe
    self.model = model
    self.training = training
    self.rollouts = rollouts
    self.contextNoise = contextNoise
    self.initial = initial
  }

  /// The parameters.
  public var layout: ParameterLayout { model.layout }
  /// The optimiser.
  public var optimiser: OptimiserRecipe { recipe.optimiser }
  /// Frames a step, the given ones not counted.
  public var examplesPerStep: Int { recipe.batch * (recipe.frames - 1) }

  /// The weights of the stage before, or fresh ones.
  public func initialWeights() -> [Tensor] { initial ?? layout.initialize(seed: optimiser.seed) }

  /// mean w(t)·(x̂ − x_tgt)², w(t) = 1/(t + 0.1), over the frames that are not given.
  public func loss(_ p: Parameters, average: Parameters, progress: Double, random: inout Random)
    -> Variable
  {
    let batch = SequenceBatch(training, count: recipe.batch, frames: recipe.frames, &random)
    let times = FrameTimes(recipe, &random)
    let conditions = self.conditions(batch, average: average, &random)
    let x = Variable(batch.latents)
    let z = LinearPath.interpolate(
      data: x, noise: Variable(random.normal(batch.latents.shape)), at: times.t.frames)
    let prediction = model(z, r: times.r.rows, t: times.t.rows, conditions, positions: batch.positions, p)
    let target = self.target(x, z, times, conditions, positions: batch.positions, average)
    let error = (prediction - target).map(.square)
    return (error * times.weights).sum()
      * Variable(1 / Float(examplesPerStep * model.configuration.latentCount))
  }

  /// The data on the diagonal; off it, the prediction that the semigroup asks for.
  private func target(
    _ x: Variable, _ z: Variable, _ times: FrameTimes, _ conditions: FrameConditions, positions: [Int],
    _ average: Parameters
  ) -> Variable {
    let jumps = times.jumpSequences
    if jumps == 0 { return x }
    let part = conditions.sequences(0..<jumps, frames: recipe.frames)
    let (r, s, t) = (times.r.sequences(0..<jumps), times.s.sequences(0..<jumps), times.t.sequences(0..<jumps))
    let finest = times.finest.sequences(0..<jumps)
    let state = z.slice(axis: 0, 0..<jumps)
    let velocity = semigroupTarget(state, r: r.frames, s: s.frames, t: t.frames) { z, r, t in
      let (r, t) = (FrameTime(r.tensor), FrameTime(t.tensor))
      // The finest jumps are taught by the diagonal: two Euler steps.
      let asked = r.rows + finest.rows * (t.rows - r.rows)
      let prediction = model(z, r: asked, t: t.rows, part, positions: positions, average)
      return LinearPath.velocity(of: prediction, state: z, at: t.frames)
    }
    let jumped = LinearPath.prediction(of: velocity, state: state, at: t.frames)
    return concatenate([jumped, x.slice(axis: 0, jumps..<recipe.batch)], axis: 0)
  }

  /// The latents before, some of them the model's own one-step predictions, all of them noised.
  private func conditions(_ batch: SequenceBatch, average: Parameters, _ random: inout Random)
    -> FrameConditions
  {
    var previous = Variable(batch.previous)
    let level = FrameTime.drawn(recipe, &random) { _, _, uniform in uniform * recipe.contextNoise }
    let noised = { (previous: Variable, random: inout Random) in
      previous + level.frames * Variable(random.normal(batch.previous.shape))
    }
    if recipe.ownContext > 0 {
      let given = FrameConditions(
        previous: noised(previous, &random), actions: batch.actions, contextNoise: level.rows)
      let own = predictions(batch, given, average, &random)
      let mask = FrameTime.drawn(recipe, &random) { _, frame, uniform in
        frame > 1 && uniform < recipe.ownContext ? 1 : 0
      }
      previous = previous + mask.frames * (own - previous)
    }
    return FrameConditions(
      previous: noised(previous, &random), actions: batch.actions, contextNoise: level.rows)
  }

  /// One-jump predictions of all frames, moved on by one: what a stream would have had before each frame.
  private func predictions(
    _ batch: SequenceBatch, _ conditions: FrameConditions, _ average: Parameters, _ random: inout Random
  ) -> Variable {
    let frames = recipe.frames
    let t = FrameTime.drawn(recipe, &random) { _, frame, _ in frame == 0 ? 0 : 1 }
    let r = recipe.jumps > 0 ? FrameTime.drawn(recipe, &random) { _, _, _ in 0 } : t
    let x = Variable(batch.latents)
    let z = LinearPath.interpolate(data: x, noise: Variable(random.normal(x.shape)), at: t.frames)
    let own = model(z, r: r.rows, t: t.rows, conditions, positions: batch.positions, average)
    let first = x.slice(axis: 1, 0..<1)
    return concatenate([first, own.slice(axis: 1, 0..<frames - 1)], axis: 1)
  }

  /// Peak signal-to-noise ratios of short rollouts on unseen play.
  public func validate(_ p: Parameters) -> [(name: String, value: Double)] {
    rollouts.figures(generator(p))
  }

  /// True continuations above generated ones.
  public func samples(_ p: Parameters) -> any SamplePicture { rollouts.sheet(generator(p)) }

  private func generator(_ p: Parameters) -> LatentGenerator {
    LatentGenerator(
      model, weights: p.values.map(\.tensor), contextNoise: contextNoise,
      sampler: recipe.jumps > 0 ? .jumps : .euler)
  }
}

extension FrameConditions {
  /// The conditions of some of the sequences of a batch.
  func sequences(_ range: Range<Int>, frames: Int) -> FrameConditions {
    let rows = range.lowerBound * frames..<range.upperBound * frames
    return FrameConditions(
      previous: previous.slice(axis: 0, range), actions: Array(actions[rows]),
      contextNoise: contextNoise.slice(axis: 0, rows))
  }
}
