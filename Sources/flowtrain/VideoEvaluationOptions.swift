// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
internal import FlowGeneration
public import FlowTensor
internal import FlowTraining

/// How a video model is evaluated.
struct VideoEvaluationOptions: ParsableArguments {
  @Option(help: "The recording to compare with, by default the test part of that of its recipe.")
  var recording: String?

  @Option(help: "Sequences to average over.")
  var sequences: Int = 128

  @Option(help: "Frames of the long rollout.")
  var frames: Int = 1000

  @Option(help: "Network evaluations a frame, by default the bundle's own.")
  var steps: Int?

  @Option(help: "How weights and caches are stored: float32, bfloat16 or int8; by default the bundle's own.")
  var precision: InferencePrecision?

  @Flag(help: "Steer the long rollout by the recording's actions, not by a player who turns away from walls.")
  var recordedActions = false

  @Option(help: "The seed of the long rollout.")
  var seed: UInt64 = 1

  func validate() throws {
    guard sequences > 1 else { throw ValidationError("--sequences must be 2 or more") }
    guard frames >= 100, frames % 100 == 0 else {
      throw ValidationError("--frames must be a multiple of 100")
    }
    if let steps, steps < 1 { throw ValidationError("--steps must be 1 or more") }
  }

  func evaluate(_ bundle: String) throws -> Evaluation {
    let model = try VideoBundle(folder: bundle, precision: precision)
    return try Evaluation(
      model, recording: recording ?? testRecording(of: bundle), steps: [1, 2, 4, 8, 16, 32], count: sequences,
      frames: frames, evaluations: steps, recordedActions: recordedActions, seed: seed,
      progress: .standardError)
  }

  /// The test part of the recording that the bundle's own recipe names.
  private func testRecording(of bundle: String) throws -> String {
    "\(dataFolder())/\(try Recipe(path: "\(bundle)/recipe.yaml").recording)/test.safetensors"
  }
}

extension InferencePrecision: ExpressibleByArgument {}
