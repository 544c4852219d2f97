// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowNN
import FlowTensor
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
            + stage.loss(Parameters(weights), average: Parameters(weights), random: &random).tensor.item
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
      let log = String(decoding: try bytes(of: folder + "/run/log.csv"), as: UTF8.self)
      let rows = log.split(separator: "\n").map { $0.split(separator: ",") }
      #expect(rows[0].starts(with: ["step", "loss", "peak bytes"]))
      // The weights, their moments and average, and at least the gradient on top.
      let bytes = 5 * 4 * run.averages.reduce(0) { $0 + $1.count }
      #expect(Int(rows[1][2]) ?? 0 >= bytes, "\(log)")
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
