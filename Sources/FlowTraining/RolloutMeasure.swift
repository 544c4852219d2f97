// SPDX-License-Identifier: Apache-2.0

internal import FlowGeneration
internal import FlowTensor

/// How a rollout of one step count compares with the game's own future, in decibels of peak signal-to-noise ratio.
public struct RolloutFigures: Sendable, Codable, Equatable {
  /// Frames after the last true one.
  public let step: Int
  /// The model under the true actions.
  public let model: Double
  /// The last true frame, repeated.
  public let copyLast: Double
  /// The model under the actions of another sequence.
  public let shuffled: Double?
}

/// Rollouts on unseen play: some true frames to begin with, then the model goes on alone under the recorded actions.
struct RolloutMeasure {
  /// True frames that a rollout begins with.
  static let context = 8

  let recording: LatentRecording
  /// Pictures of latents.
  let decode: (Tensor) -> Tensor
  /// The rollout steps to report.
  let steps: [Int]
  /// Sequences, spread evenly over the recording.
  let count: Int
  /// Network evaluations a frame.
  let evaluations: Int

  /// The first true frame of each sequence.
  private let starts: [Int]

  /// Rollouts of up to the longest of `steps`, from `count` places spread evenly over the episodes that are long enough.
  ///
  /// Throws ``TrainingError`` where none is.
  init(
    recording: LatentRecording, decode: @escaping (Tensor) -> Tensor, steps: [Int], count: Int,
    evaluations: Int
  ) throws {
    self.recording = recording
    self.decode = decode
    self.steps = steps
    self.count = count
    self.evaluations = evaluations
    let length = Self.context + (steps.max() ?? 0)
    let possible = recording.recording.episodes.flatMap { episode in
      Array(episode.lowerBound..<max(episode.lowerBound, episode.upperBound - length + 1))
    }
    guard !possible.isEmpty else {
      throw TrainingError(
        .badRecording, "the recording has no episode of \(length) frames; record longer ones")
    }
    starts = (0..<count).map { possible[$0 * possible.count / count] }
  }

  private var horizon: Int { steps.max() ?? 0 }

  /// Pictures [horizon, height, width, 3] that the model makes after the context at `start`, under the actions
  /// recorded after `actionsFrom`'s context.
  private func roll(_ generator: LatentGenerator, start: Int, actionsFrom other: Int, seed: UInt64) -> Tensor
  {
    let actions = recording.recording.actions
    let stream = generator.begin(recording.latents([start]), seed: seed)
    for index in start + 1..<start + Self.context {
      generator.observe(stream, recording.latents([index]), action: Int(actions[index]))
    }
    let latents = (0..<horizon).map { step in
      generator.next(stream, action: Int(actions[other + Self.context + step]), steps: evaluations)
    }
    return decode(Tensor.concatenate(latents, axis: 0))
  }

  private func truth(_ start: Int) -> Tensor {
    let first = start + Self.context
    return recording.recording.pictures(Array(first..<first + horizon))
  }

  /// Peak signal-to-noise ratios by rollout step, from the mean squared error over all sequences.
  func measure(_ generator: LatentGenerator, shuffled: Bool, progress: Progress = .silent) -> [RolloutFigures]
  {
    var model = [Double](repeating: 0, count: steps.count), copy = model, mixed = model
    for (index, start) in starts.enumerated() {
      progress.show("rollout \(index + 1)/\(count)")
      let truth = truth(start)
      let last = recording.recording.pictures([start + Self.context - 1])
      let made = roll(generator, start: start, actionsFrom: start, seed: UInt64(index))
      let other = starts[(index + count / 2) % count]
      let wrong = shuffled ? roll(generator, start: start, actionsFrom: other, seed: UInt64(index)) : nil
      for (k, step) in steps.enumerated() {
        let real = truth.rows(step - 1..<step)
        model[k] += meanSquare(made.rows(step - 1..<step), real)
        copy[k] += meanSquare(last, real)
        if let wrong { mixed[k] += meanSquare(wrong.rows(step - 1..<step), real) }
      }
    }
    return steps.indices.map { k in
      RolloutFigures(
        step: steps[k], model: psnr(meanSquare: model[k] / Double(count)),
        copyLast: psnr(meanSquare: copy[k] / Double(count)),
        shuffled: shuffled ? psnr(meanSquare: mixed[k] / Double(count)) : nil)
    }
  }

  /// The figures that a training stage reports.
  func figures(_ generator: LatentGenerator) -> [(name: String, value: Double)] {
    measure(generator, shuffled: false).flatMap {
      [("PSNR step \($0.step)", $0.model), ("copy \($0.step)", $0.copyLast)]
    }
  }

  /// For four sequences, the true continuation above the generated one.
  func sheet(_ generator: LatentGenerator) -> SampleSheet {
    let chosen = (0..<4).map { $0 * starts.count / 4 }
    return SampleSheet(
      rows: chosen.flatMap { index in
        [truth(starts[index]), roll(generator, start: starts[index], actionsFrom: starts[index], seed: 0)]
      })
  }
}

/// The mean squared difference of two tensors of one shape.
func meanSquare(_ x: Tensor, _ y: Tensor) -> Double {
  Tensor.combine(.subtract, x, y).sumOfSquares / Double(max(x.count, 1))
}
