// SPDX-License-Identifier: Apache-2.0

import FlowCheckpoint
import FlowGeneration
import FlowNN
import FlowTensor
import Foundation
import Testing

@testable import FlowTraining

/// Lends the path of a new, empty folder and removes it afterwards.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: "flow-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path())
}

/// The bytes of a file.
func bytes(of path: String) throws -> Data { try Data(contentsOf: URL(filePath: path)) }

/// What a recording of the tests consists of; fields are changed to make bad ones.
struct RecordingParts {
  var height = 16
  var width = 32
  var episodes = [14, 20, 3]
  var actionNames = "none left right"
  var framesPerSecond = "35/3"
  var without = ""

  var count: Int { episodes.reduce(0, +) }

  /// A bright square that the action moves, over a gradient that tells the episode.
  func write(to path: String) throws {
    var pixels: [UInt8] = [], actions: [UInt8] = [], ids: [Int32] = []
    for (episode, length) in episodes.enumerated() {
      var place = 3 * episode
      for frame in 0..<length {
        let action = frame == 0 ? 0 : (frame * frame + episode) % 3
        place += [0, -2, 3][action]
        actions.append(UInt8(action))
        ids.append(Int32(episode))
        for index in 0..<height * width {
          let (row, column) = (index / width, index % width)
          let inside = (row - 4) / 6 == 0 && ((column - place) % width + width) % width < 6
          pixels += [
            inside ? 250 : UInt8(8 * row % 256), UInt8(60 * episode + frame), UInt8(4 * column % 256),
          ]
        }
      }
    }
    var writer = SafetensorsWriter()
    if without != "frames" { writer.add("frames", shape: [count, height, width, 3], pixels) }
    if without != "actions" { writer.add("actions", shape: [count], actions) }
    if without != "episode_ids" { writer.add("episode_ids", shape: [count], ids) }
    try writer.write(to: path, metadata: ["actions": actionNames, "frames_per_second": framesPerSecond])
  }

  /// The recording, written into `folder` and opened.
  func recording(in folder: String) throws -> Recording {
    try write(to: folder + "/recording.safetensors")
    return try Recording(path: folder + "/recording.safetensors")
  }
}

let tinyAutoencoder = AutoencoderConfiguration(
  height: 16, width: 32, outerChannels: 6, innerChannels: 8, blocks: 1, latentChannels: 3)
let tinyTransformer = CausalTransformerConfiguration(
  latentHeight: 2, latentWidth: 4, latentChannels: 3, width: 12, layers: 2, heads: 2, actions: 3, window: 3,
  sink: 1)

/// An optimiser that takes a few steps.
func tinyOptimiser(steps: Int, precision: MatmulPrecision = .float32) -> OptimiserRecipe {
  OptimiserRecipe(
    steps: steps, rate: 3e-3, warmup: 2, beta2: 0.99, decay: 0.01, clip: 1, averageDecay: 0.9, seed: 5,
    report: 1000,
    precision: precision)
}

/// Normalised latents of the test recording by a fresh autoencoder.
func tinyLatents(in folder: String) throws -> (LatentRecording, LatentCodec) {
  let recording = try RecordingParts().recording(in: folder)
  let model = Autoencoder(tinyAutoencoder)
  let codec = LatentCodec(
    model, weights: model.layout.initialize(seed: 1),
    measuredOn: recording.pictures(Array(0..<recording.count)))
  let path = folder + "/latents.safetensors"
  return (try LatentRecording(recording, codec: codec, path: path, progress: .silent), codec)
}

/// The training of a generator in four sequences of five frames.
func tinyRecipe(
  steps: Int = 4, precision: MatmulPrecision = .float32, atOne: Float = 0.3, contextNoise: Float = 0.4,
  ownContext: Float = 0, jumps: Float = 0
) -> GeneratorRecipe {
  GeneratorRecipe(
    optimiser: tinyOptimiser(steps: steps, precision: precision), batch: 4, frames: 5, atOne: atOne,
    contextNoise: contextNoise, ownContext: ownContext, jumps: jumps, levels: 3)
}

/// A generator stage on the test recording.
func tinyGenerator(in folder: String, _ recipe: GeneratorRecipe = tinyRecipe()) throws -> GeneratorStage {
  let (latents, codec) = try tinyLatents(in: folder)
  let rollouts = try RolloutMeasure(
    recording: latents, decode: codec.decode, steps: [1, 2], count: 4, evaluations: 2)
  return GeneratorStage(
    name: "student", recipe, model: CausalTransformer(tinyTransformer), training: latents, rollouts: rollouts,
    contextNoise: 0.1, initial: nil)
}

/// Random weights for every parameter, those that begin at zero too.
func randomWeights(_ layout: ParameterLayout, seed: UInt64) -> [Tensor] {
  var random = Random(key: seed)
  return layout.declarations.map { declaration in
    let inputs = declaration.shape.count / max(declaration.shape[0], 1)
    return random.normal(declaration.shape).affine(
      scale: declaration.shape.rank == 1 ? 0.2 : 1 / Float(inputs).squareRoot(),
      shift: declaration.initializer == .ones ? 1 : 0)
  }
}
