// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowNN
import FlowTensor
import Foundation
import Testing

@testable import FlowTraining

@Suite("Training runs")
struct RunTests {
  private func autoencoder(in folder: String, steps: Int, precision: MatmulPrecision) throws
    -> AutoencoderStage
  {
    let recording = try RecordingParts().recording(in: folder)
    let recipe = AutoencoderRecipe(
      model: tinyAutoencoder, optimiser: tinyOptimiser(steps: steps, precision: precision), batch: 4,
      latentNoise: 0.1)
    return try AutoencoderStage(recipe, training: recording, validation: recording)
  }

  /// Trains to the end in one go, and with two interruptions; the checkpoints must be the same file.
  private func expectSame(_ stage: any TrainingStage, in folder: String) throws {
    var whole = try TrainingRun(stage, folder: folder + "/whole")
    try whole.train(progress: .silent)
    for limit in [1, 4, .max] {
      var part = try TrainingRun(stage, folder: folder + "/parts")
      try part.train(until: limit, progress: .silent)
      #expect(part.step == min(limit, 6))
    }
    let checkpoints = try ["whole", "parts"].map { try bytes(of: "\(folder)/\($0)/checkpoint.safetensors") }
    #expect(checkpoints[0] == checkpoints[1])
    let fresh = stage.initialWeights().flatMap(\.elements)
    #expect(whole.step == 6 && whole.averages.flatMap(\.elements) != fresh)
  }

  @Test(
    "an autoencoder's run that is stopped and resumed ends bit-identical",
    arguments: [MatmulPrecision.float32, .bfloat16])
  func resumedAutoencoder(precision: MatmulPrecision) throws {
    try withFolder { folder in
      try expectSame(autoencoder(in: folder, steps: 6, precision: precision), in: folder)
    }
  }

  @Test(
    "a generator's run that is stopped and resumed ends bit-identical",
    arguments: [MatmulPrecision.float32, .bfloat16])
  func resumedGenerator(precision: MatmulPrecision) throws {
    try withFolder { folder in
      let stage = try tinyGenerator(
        in: folder, tinyRecipe(steps: 6, precision: precision, ownContext: 0.5, jumps: 0.5))
      try expectSame(stage, in: folder)
    }
  }

  @Test("training an autoencoder makes its reconstructions better")
  func learns() throws {
    try withFolder { folder in
      let stage = try autoencoder(in: folder, steps: 60, precision: .float32)
      var run = try TrainingRun(stage, folder: folder + "/run")
      let before = stage.validate(Parameters(run.averages))[0].value
      try run.train(progress: .silent)
      let after = stage.validate(Parameters(run.averages))[0].value
      #expect(after > before + 3, "from \(before) to \(after) dB")
    }
  }

  @Test("training a generator lowers its loss on the batches of the first steps")
  func generatorLearns() throws {
    try withFolder { folder in
      let stage = try tinyGenerator(in: folder, tinyRecipe(steps: 60, ownContext: 0.3, jumps: 0.5))
      var run = try TrainingRun(stage, folder: folder + "/run")
      let loss = { (weights: [Tensor]) in
        (1...8).reduce(Float(0)) { sum, key in
          var random = Random(key: UInt64(key))
          return sum
            + stage.loss(Parameters(weights), average: Parameters(weights), progress: 0, random: &random)
            .tensor.item
        }
      }
      let before = loss(run.averages)
      try run.train(progress: .silent)
      let after = loss(run.averages)
      #expect(after < 0.8 * before, "from \(before) to \(after)")
    }
  }

  @Test("a checkpoint of another model is refused with the tensor's name")
  func otherCheckpoint() throws {
    try withFolder { folder in
      var run = try TrainingRun(
        autoencoder(in: folder, steps: 1, precision: .float32), folder: folder + "/run")
      try run.train(progress: .silent)
      let other = try tinyGenerator(in: folder)
      let error = #expect(throws: (any Error).self) { try TrainingRun(other, folder: folder + "/run") }
      #expect("\(error as Any)".contains("weight.patch_embedding.weight"), "\(error as Any)")
    }
  }

  @Test("progress is told in lines, with the loss, the memory and the figures of the validation")
  func progress() throws {
    try withFolder { folder in
      let lines = Lines()
      var run = try TrainingRun(
        autoencoder(in: folder, steps: 2, precision: .float32), folder: folder + "/run")
      try run.train(progress: Progress(isTerminal: false) { lines.append($0) })
      let text = lines.all.joined()
      #expect(
        text.contains("autoencoder: step 2/2, loss ") && text.contains("validation: PSNR dB "), "\(text)")
      #expect(text.contains(" MiB, ") && !text.contains(" 0 MiB, "), "\(text)")
      let log = String(decoding: try bytes(of: folder + "/run/metrics.jsonl"), as: UTF8.self)
      let reports = log.split(separator: "\n")
      let line = try JSONDecoder().decode([String: Double].self, from: Data(#require(reports.first).utf8))
      #expect(
        reports.count == 1 && line["step"] == 2 && line["loss"] ?? 0 > 0 && line["skipped"] == 0
          && line["PSNR dB"] != nil)
      // The weights, their moments and average, and at least the gradient on top.
      let bytes = 5 * 4 * run.averages.reduce(0) { $0 + $1.count }
      #expect(Int(line["peak bytes"] ?? 0) >= bytes, "\(log)")
    }
  }
}

/// A stage whose loss is not a number at chosen steps: w² at the others.
private struct Faulty: TrainingStage {
  let name = "faulty"
  let bad: ClosedRange<UInt64>
  let layout: ParameterLayout
  let optimiser: OptimiserRecipe
  let examplesPerStep = 1

  init(bad: ClosedRange<UInt64>, steps: Int) {
    var layout = ParameterLayout()
    _ = layout.declare("w", [4], .ones)
    self.layout = layout
    self.bad = bad
    optimiser = tinyOptimiser(steps: steps)
  }

  func initialWeights() -> [Tensor] { layout.initialize(seed: 1) }
  func loss(_ p: Parameters, average: Parameters, progress: Double, random: inout Random) -> Variable {
    let square = p.values[0].map(.square).sum()
    return bad.contains(random.stream >> 20) ? square * Float.nan : square
  }
  func validate(_ p: Parameters) -> [(name: String, value: Double)] { [] }
  func samples(_ p: Parameters) -> any SamplePicture { SampleSheet(rows: [.zeros([1, 2, 2, 3])]) }
}

@Suite("Steps that are not finite")
struct SkippedStepTests {
  @Test("they change nothing and are counted, also over a stop")
  func skipped() throws {
    try withFolder { folder in
      for limit in [3, 10] {
        var run = try TrainingRun(Faulty(bad: 3...5, steps: 10), folder: folder + "/run")
        try run.train(until: limit, progress: .silent)
        #expect(run.step == limit && run.skipped == (limit == 3 ? 1 : 3))
        #expect(run.averages[0].isFinite)
      }
    }
  }

  @Test("a hundred of them in succession end the run, which says what to do")
  func diverged() throws {
    try withFolder { folder in
      var run = try TrainingRun(Faulty(bad: 2...1000, steps: 200), folder: folder + "/run")
      let error = #expect(throws: TrainingError.self) { try run.train(progress: .silent) }
      #expect(error?.code == .diverged && error?.message.contains("lower the") == true)
    }
  }
}

import Synchronization

/// Lines as they come.
private final class Lines: Sendable {
  private let lines = Mutex<[String]>([])
  var all: [String] { lines.withLock { $0 } }
  func append(_ line: String) { lines.withLock { $0.append(line) } }
}
