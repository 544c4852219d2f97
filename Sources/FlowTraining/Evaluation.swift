// SPDX-License-Identifier: Apache-2.0

public import FlowGeneration
internal import FlowNN
internal import FlowTensor
internal import FoundationEssentials

/// What a video model is worth on play that it has not seen.
public struct Evaluation: Sendable, Codable, Equatable {
  /// The bundle.
  public let model: String
  /// SHA-256 of its weights.
  public let sha256: String
  /// Network evaluations a frame.
  public let evaluations: Int
  /// Sequences that rollouts were averaged over.
  public let sequences: Int
  /// Peak signal-to-noise ratio of the autoencoder alone, in decibels.
  public let reconstruction: Double
  /// Rollouts against the game's own future.
  public let rollouts: [RolloutFigures]
  /// Whether the explorer steered the long rollout, rather than the recording's actions.
  public let isExplored: Bool
  /// A long rollout, in windows of a hundred frames.
  public let windows: [RolloutWindow]

  /// Evaluates a bundle on the test part of a recording.
  ///
  /// - Parameters:
  ///   - steps: the rollout steps to compare.
  ///   - count: sequences to average over.
  ///   - frames: frames of the long rollout, in windows of 100.
  ///   - evaluations: network evaluations a frame; nil takes the bundle's own.
  ///   - recordedActions: steers the long rollout by the recording's actions instead of the explorer.
  ///   - seed: decides the noise and the explorer of the long rollout.
  public init(
    _ bundle: VideoBundle, recording path: String, steps: [Int], count: Int, frames: Int, evaluations: Int?,
    recordedActions: Bool, seed: UInt64, progress: Progress
  ) throws {
    let recording = try Recording(path: path)
    try Self.check(recording, fits: bundle.manifest, path: path)
    let latents = LatentRecording(encoding: recording, codec: bundle.codec, progress: progress)
    let evaluations = evaluations ?? bundle.manifest.defaultSteps
    // As it is served: in the precision that it runs in.
    let decoder = FrameDecoder(bundle.codec, precision: bundle.generator.precision)
    let measure = try RolloutMeasure(
      recording: latents, decode: decoder.decode, steps: steps, count: count, evaluations: evaluations)
    model = bundle.name
    sha256 = bundle.sha256
    self.evaluations = evaluations
    sequences = count
    let pictures = recording.pictures((0..<512).map { $0 * recording.count / 512 })
    reconstruction = psnr(
      meanSquare: meanSquare(decoder.decode(bundle.codec.encode(pictures)), pictures))
    rollouts = measure.measure(bundle.generator, shuffled: true, progress: progress)
    let size = bundle.manifest.autoencoder
    let explorer =
      recordedActions
      ? nil : Explorer(width: size.width, height: size.height, actions: bundle.manifest.actions, seed: seed)
    isExplored = explorer != nil
    windows = Self.windows(
      bundle, latents, decoder, frames: frames, evaluations: evaluations, explorer: explorer, seed: seed,
      progress)
  }

  private static func check(_ recording: Recording, fits manifest: VideoManifest, path: String) throws {
    let size = manifest.autoencoder
    guard recording.width == size.width, recording.height == size.height else {
      throw TrainingError(
        .badRecording,
        "\(path) is \(recording.width)×\(recording.height), the model \(size.width)×\(size.height); name its own recording"
      )
    }
    guard recording.actionNames == manifest.actions else {
      throw TrainingError(
        .badRecording,
        "\(path) has the actions \(recording.actionNames), the model \(manifest.actions); name its own recording"
      )
    }
  }

  /// One stream of `frames` frames, against the recording's own statistics.
  ///
  /// The explorer steers it, as it steered what was recorded; a model without the explorer's actions, and one whose
  /// evaluation asks for it, gets the actions of the recording in their order.
  private static func windows(
    _ bundle: VideoBundle, _ latents: LatentRecording, _ decoder: FrameDecoder, frames: Int, evaluations: Int,
    explorer: Explorer?,
    seed: UInt64, _ progress: Progress
  ) -> [RolloutWindow] {
    let recording = latents.recording
    let real = PlayStatistics(recording.pictures(Array(0..<min(recording.count, 2000))))
    let stream = bundle.generator.begin(latents.latents([0]), seed: seed)
    var explorer = explorer
    var picture = recording.pictures([0])
    return stride(from: 0, to: frames, by: 100).map { first in
      progress.show("long rollout \(first)/\(frames)")
      let made = (first..<min(first + 100, frames)).map { frame in
        let action =
          explorer?.act(on: picture.bytes(scale: 127.5, shift: 127.5))
          ?? Int(recording.actions[(frame + 1) % recording.count])
        picture = decoder.decode(bundle.generator.next(stream, action: action, steps: evaluations))
        return picture
      }
      let relative = PlayStatistics(Tensor.concatenate(made, axis: 0)).relative(to: real)
      return RolloutWindow(first: first, brightness: relative[0], contrast: relative[1], change: relative[2])
    }
  }
}

extension Evaluation: CustomStringConvertible {
  /// The figures as tables.
  public var description: String {
    var lines = [
      "\(model) (weights \(sha256.prefix(12))), \(evaluations) network evaluations a frame, \(sequences) sequences",
      "autoencoder alone: \(decibels(reconstruction)) dB", "",
      "PSNR against the game's own future, dB", "step   model   copy-last   shuffled actions",
    ]
    lines += rollouts.map { row in
      [
        padded("\(row.step)", 4), padded(decibels(row.model), 8), padded(decibels(row.copyLast), 12),
        padded(row.shuffled.map(decibels) ?? "-", 19),
      ].joined()
    }
    let player = isExplored ? "the explorer" : "recorded actions"
    lines += [
      "", "long rollout under \(player), relative to real play", "frames      brightness   contrast   change",
    ]
    lines += windows.map { window in
      [
        padded("\(window.first)-\(window.first + 99)", 9), padded(ratio(window.brightness), 13),
        padded(ratio(window.contrast), 11), padded(ratio(window.change), 9),
        window.holds ? "" : "  outside 0.5-2",
      ].joined()
    }
    return lines.joined(separator: "\n")
  }
}

private func decibels(_ value: Double) -> String { fixed(value, digits: 1) }
private func ratio(_ value: Double) -> String { fixed(value, digits: 2) }
