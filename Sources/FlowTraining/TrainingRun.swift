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
  private var skippedInSuccession = 0

  /// Opens the run in `folder`, at its last checkpoint if it has one.
  public init(_ stage: any TrainingStage, folder: String) throws {
    self.stage = stage
    self.folder = folder
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = Self.checkpointPath(folder), spent = FileManager.default.contents(atPath: "\(folder)/seconds")
    seconds = spent.flatMap { Double(String(decoding: $0, as: UTF8.self)) } ?? 0
    checkpoint =
      FileManager.default.fileExists(atPath: path)
      ? try Checkpoint(path: path, layout: stage.layout) : Checkpoint(stage.initialWeights())
  }

  static func checkpointPath(_ folder: String) -> String { "\(folder)/checkpoint.safetensors" }

  /// The moving average of the weights.
  public var averages: [Tensor] { checkpoint.averages }

  /// The number of steps taken.
  public var step: Int { checkpoint.step }

  /// Of these, the steps that changed nothing, because their loss or gradient was not finite.
  public var skipped: Int { checkpoint.skipped }

  /// Seconds that the steps have taken, those of earlier sittings included. Beside the checkpoint, which is the same to the
  /// bit whatever they are.
  public private(set) var seconds: Double

  /// So many steps in succession that are skipped end the run: it does not come back from there.
  private static let mostSkipped = 100

  /// Draws what the averaged weights make.
  func drawSamples(to path: String) throws {
    try stage.samples(Parameters(checkpoint.averages)).write(to: path)
  }

  /// Trains until the recipe's last step, or `limit` if that is sooner.
  ///
  /// - Parameter isInterrupted: asked after every step; once it says so, all is saved and ``TrainingError`` thrown.
  public mutating func train(
    until limit: Int = .max, progress: Progress, isInterrupted: () -> Bool = { Interruption.isAsked }
  ) throws {
    let optimiser = stage.optimiser
    let last = min(optimiser.steps, limit)
    var meter = ProgressMeter(stage.name, total: optimiser.steps, from: checkpoint.step, progress)
    while checkpoint.step < last {
      TensorMemory.resetPeak()
      let begin = ContinuousClock.now
      let loss = try takeStep()
      seconds += (ContinuousClock.now - begin) / .seconds(1)
      meter.advance(loss: loss, examples: stage.examplesPerStep, bytes: TensorMemory.peakBytes)
      let isLast = checkpoint.step == last, isInterrupted = !isLast && isInterrupted()
      let isDue = isLast || checkpoint.step % optimiser.report == 0
      // First: what a report draws may find no room where a checkpoint still does.
      if isDue || isInterrupted { try save() }
      if isDue { try report(meter: &meter) }
      if isInterrupted {
        throw TrainingError(
          .interrupted,
          "\(stage.name): interrupted and saved at step \(checkpoint.step) of \(optimiser.steps); the same command goes on"
        )
      }
    }
  }

  private func save() throws {
    try checkpoint.write(to: Self.checkpointPath(folder), layout: stage.layout)
    try AtomicFile.write(Array("\(seconds)".utf8), to: "\(folder)/seconds")
  }

  /// Takes a step, or skips it where its loss or gradient is not finite; the loss, or nil.
  private mutating func takeStep() throws -> Float? {
    let number = checkpoint.step + 1
    let (loss, gradient) = lossAndGradient(number: number)
    let norm = gradient.reduce(0) { $0 + $1.sumOfSquares }.squareRoot()
    if loss.isFinite, norm.isFinite {
      apply(gradient, norm: Float(norm), number: number)
      skippedInSuccession = 0
      return loss
    }
    checkpoint.step = number
    checkpoint.skipped += 1
    skippedInSuccession += 1
    guard skippedInSuccession < Self.mostSkipped else {
      throw TrainingError(
        .diverged,
        "\(stage.name): \(Self.mostSkipped) steps up to \(number) had a loss or gradient that is not finite; lower the "
          + "rate and resume from the checkpoint")
    }
    return nil
  }

  /// In a function of its own, so that nothing refers to the weights when they are written.
  private func lossAndGradient(number: Int) -> (loss: Float, gradient: [Tensor]) {
    let optimiser = stage.optimiser
    var random = Random(key: optimiser.seed, stream: UInt64(number) << 20)
    let average = Parameters(checkpoint.averages)
    let (loss, gradient) = MatmulPrecision.$current.withValue(optimiser.precision) {
      valueAndGradient(at: checkpoint.weights.map { Variable($0) }) { weights in
        stage.loss(
          Parameters(weights), average: average, progress: Double(number - 1) / Double(optimiser.steps),
          random: &random)
      }
    }
    return (loss.tensor.item, gradient.map(\.tensor))
  }

  private mutating func apply(_ gradient: [Tensor], norm: Float, number: Int) {
    let optimiser = stage.optimiser
    for (index, declaration) in stage.layout.declarations.enumerated() {
      let step = optimiser.step(number, norm: norm, of: declaration)
      checkpoint.tensors[index].apply(step, gradient: gradient[index])
    }
    checkpoint.step = number
  }

  private func report(meter: inout ProgressMeter) throws {
    let averages = Parameters(checkpoint.averages)
    let figures = stage.validate(averages), loss = meter.meanLoss
    meter.report(figures)
    let picture = stage.samples(averages)
    try picture.write(to: "\(folder)/samples-\(padded(checkpoint.step)).\(type(of: picture).fileExtension)")
    try log(
      [
        ("step", Double(checkpoint.step)), ("loss", loss), ("skipped", Double(checkpoint.skipped)),
        ("rate", Double(stage.optimiser.rate(at: checkpoint.step))), ("steps a second", meter.rate),
        ("peak bytes", Double(meter.peakBytes)),
      ] + figures)
  }

  private func padded(_ step: Int) -> String {
    String(repeating: "0", count: max(0, 6 - "\(step)".count)) + "\(step)"
  }

  /// Adds a line to metrics.jsonl.
  private func log(_ figures: [(name: String, value: Double)]) throws {
    let members = figures.map { name, value in
      let isWhole = value.rounded() == value && abs(value) < 1e15
      return "\"\(name)\":\(!value.isFinite ? "null" : isWhole ? "\(Int(value))" : "\(value)")"
    }
    let path = "\(folder)/metrics.jsonl"
    let before = FileManager.default.contents(atPath: path).map { [UInt8]($0) } ?? []
    let lines = before + Array("{\(members.joined(separator: ","))}\n".utf8)
    try AtomicFile.write(lines, to: path)
    let curves = MetricCurves(lines: String(decoding: lines, as: UTF8.self))
    try AtomicFile.write(Array(curves.svg(title: stage.name).utf8), to: "\(folder)/curves.svg")
  }
}
