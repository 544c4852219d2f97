// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowCheckpoint
internal import FlowNN
public import FlowTensor
internal import FoundationEssentials

/// Trains one stage in a folder of its own: checkpoint, log, sample sheets.
///
/// A run that is stopped and started again ends with the same weights to the bit: the randomness of a step depends on
/// the seed and the number of the step alone.
public struct TrainingRun {
  private let stage: any TrainingStage
  private let folder: String
  private var checkpoint: Checkpoint

  /// Opens the run in `folder`, at its last checkpoint if it has one.
  public init(_ stage: any TrainingStage, folder: String) throws {
    self.stage = stage
    self.folder = folder
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = Self.checkpointPath(folder)
    checkpoint =
      FileManager.default.fileExists(atPath: path)
      ? try Checkpoint(path: path, layout: stage.layout) : Checkpoint(stage.initialWeights())
  }

  static func checkpointPath(_ folder: String) -> String { "\(folder)/checkpoint.safetensors" }

  /// The moving average of the weights.
  public var averages: [Tensor] { checkpoint.averages }

  /// The number of steps taken.
  public var step: Int { checkpoint.step }

  /// Draws what the averaged weights make.
  func drawSamples(to path: String) throws {
    try stage.sampleSheet(Parameters(checkpoint.averages)).write(to: path)
  }

  /// Trains until the recipe's last step, or `limit` if that is sooner.
  public mutating func train(until limit: Int = .max, progress: Progress) throws {
    let optimiser = stage.optimiser
    let last = min(optimiser.steps, limit)
    var meter = ProgressMeter(stage.name, total: optimiser.steps, from: checkpoint.step, progress)
    while checkpoint.step < last {
      TensorMemory.resetPeak()
      let loss = try takeStep()
      meter.advance(loss: loss, examples: stage.examplesPerStep, bytes: TensorMemory.peakBytes)
      if checkpoint.step % optimiser.report == 0 || checkpoint.step == last {
        try report(meter: &meter)
        try checkpoint.write(to: Self.checkpointPath(folder), layout: stage.layout)
      }
    }
  }

  private mutating func takeStep() throws -> Float {
    let number = checkpoint.step + 1
    let (loss, gradient) = lossAndGradient(number: number)
    guard loss.isFinite else {
      throw TrainingError(
        .diverged,
        "\(stage.name): the loss at step \(number) is \(loss); lower the rate and resume from the checkpoint"
      )
    }
    try apply(gradient, number: number)
    return loss
  }

  /// In a function of its own, so that nothing refers to the weights when they are written.
  private func lossAndGradient(number: Int) -> (loss: Float, gradient: [Tensor]) {
    let optimiser = stage.optimiser
    var random = Random(key: optimiser.seed, stream: UInt64(number) << 20)
    let average = Parameters(checkpoint.averages)
    let (loss, gradient) = MatmulPrecision.$current.withValue(optimiser.precision) {
      valueAndGradient(at: checkpoint.weights.map { Variable($0) }) { weights in
        stage.loss(Parameters(weights), average: average, random: &random)
      }
    }
    return (loss.tensor.item, gradient.map(\.tensor))
  }

  private mutating func apply(_ gradient: [Tensor], number: Int) throws {
    let optimiser = stage.optimiser
    let norm = Float(gradient.reduce(0) { $0 + $1.sumOfSquares }.squareRoot())
    guard norm.isFinite else {
      throw TrainingError(
        .diverged,
        "\(stage.name): the gradient at step \(number) is \(norm); lower the rate and resume from the checkpoint"
      )
    }
    let step = AdamWStep(
      rate: optimiser.rate(at: number), beta1: 0.9, beta2: optimiser.beta2, epsilon: 1e-8,
      decay: optimiser.decay, number: number,
      gradientScale: norm > optimiser.clip ? optimiser.clip / norm : 1,
      // Early averages forget quickly, so that they do not keep the beginning.
      averageDecay: min(optimiser.averageDecay, Float(number) / Float(number + 10)))
    for index in gradient.indices { checkpoint.tensors[index].apply(step, gradient: gradient[index]) }
    checkpoint.step = number
  }

  private func report(meter: inout ProgressMeter) throws {
    let averages = Parameters(checkpoint.averages)
    let figures = stage.validate(averages)
    meter.report(figures)
    try stage.sampleSheet(averages).write(to: "\(folder)/samples-\(padded(checkpoint.step)).png")
    let header = "step,loss,peak bytes," + figures.map(\.name).joined(separator: ",") + "\n"
    let row =
      "\(checkpoint.step),\(meter.meanLoss),\(meter.peakBytes),"
      + figures.map { "\($0.value)" }.joined(separator: ",") + "\n"
    try appendLog(header: header, row: row)
  }

  private func padded(_ step: Int) -> String {
    String(repeating: "0", count: max(0, 6 - "\(step)".count)) + "\(step)"
  }

  private func appendLog(header: String, row: String) throws {
    let path = "\(folder)/log.csv"
    let before =
      FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? header
    try AtomicFile.write(Array((before + row).utf8), to: path)
  }
}
