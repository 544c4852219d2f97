// SPDX-License-Identifier: Apache-2.0

import FlowCheckpoint
import FlowTensor
import Testing

@testable import FlowTraining

@Suite("Recordings")
struct RecordingTests {
  @Test("a recording has the pictures, actions and episodes that were written")
  func reading() throws {
    try withFolder { folder in
      let recording = try RecordingParts().recording(in: folder)
      #expect(recording.count == 37 && recording.height == 16 && recording.width == 32)
      #expect(recording.episodes == [0..<14, 14..<34, 34..<37])
      #expect(recording.actionNames == ["none", "left", "right"])
      #expect(abs(recording.framesPerSecond - 35 / 3) < 1e-12)
      #expect(recording.actions[0..<4] == [0, 1, 1, 0])
      let pictures = recording.pictures([15, 0])
      #expect(pictures.shape == [2, 16, 32, 3])
      // Green tells episode and frame: 60·1 + 1, and 0.
      #expect(pictures.bytes(scale: 127.5, shift: 127.5)[1] == 61)
      #expect(pictures.rows(1..<2).bytes(scale: 127.5, shift: 127.5)[1] == 0)
    }
  }

  static let runs: [([Int32], [Range<Int>])] = [
    ([], []), ([4], [0..<1]), ([0, 0, 0], [0..<3]), ([0, 1, 2], [0..<1, 1..<2, 2..<3]),
    ([0, 0, 7, 7, 7, 3], [0..<2, 2..<5, 5..<6]), ([1, 0, 1], [0..<1, 1..<2, 2..<3]),
  ]

  @Test("an episode is a run of one id", arguments: runs)
  func episodes(example: ([Int32], [Range<Int>])) {
    #expect(Recording.runs(of: example.0) == example.1)
  }

  @Test("a rate is a positive fraction or number")
  func rates() {
    #expect(
      Recording.rate("35/3") == 35.0 / 3 && Recording.rate("12") == 12 && Recording.rate("12.5") == 12.5)
    for text in ["", "fast", "0", "-5", "35/0", "35/", "/3", "fast/3", "1/2/3", "nan", "inf"] {
      #expect(Recording.rate(text) == nil, "\(text)")
    }
  }

  @Test("a file that is not there is named")
  func missing() {
    let error = #expect(throws: CheckpointError.self) { try Recording(path: "/nowhere/train.safetensors") }
    #expect(error?.code == .unreadable && error?.description.contains("/nowhere/train.safetensors") == true)
  }

  @Test("a tensor that is not there is named", arguments: ["frames", "actions", "episode_ids"])
  func missingTensor(name: String) throws {
    try withFolder { folder in
      var parts = RecordingParts()
      parts.without = name
      let error = #expect(throws: CheckpointError.self) { try parts.recording(in: folder) }
      #expect(error?.code == .missingTensor && error?.tensor == name)
    }
  }

  static let faults: [(String, @Sendable (inout RecordingParts) -> Void)] = [
    ("name every action", { $0.actionNames = "none left" }), ("name every action", { $0.actionNames = "" }),
    ("frames_per_second", { $0.framesPerSecond = "" }),
    ("frames_per_second", { $0.framesPerSecond = "35/0" }),
  ]

  @Test("metadata that cannot be are refused with what they lack", arguments: faults)
  func metadata(fault: (String, @Sendable (inout RecordingParts) -> Void)) throws {
    try withFolder { folder in
      var parts = RecordingParts()
      fault.1(&parts)
      let error = #expect(throws: TrainingError.self) { try parts.recording(in: folder) }
      #expect(error?.code == .badRecording && error?.message.contains(fault.0) == true)
    }
  }

  @Test("an autoencoder of another size is refused with both sizes")
  func size() throws {
    try withFolder { folder in
      var parts = RecordingParts()
      parts.width = 48
      let recording = try parts.recording(in: folder)
      let recipe = AutoencoderRecipe(
        model: tinyAutoencoder, optimiser: tinyOptimiser(steps: 1), batch: 1, latentNoise: 0)
      let error = #expect(throws: TrainingError.self) {
        try AutoencoderStage(recipe, training: recording, validation: recording)
      }
      #expect(error?.code == .badRecording)
      #expect(error?.message.contains("48×16") == true && error?.message.contains("32×16") == true)
    }
  }

  @Test("decibels are ten times the logarithm of peak square over mean square")
  func decibels() {
    #expect(
      psnr(meanSquare: 4) == 0 && abs(psnr(meanSquare: 0.04) - 20) < 1e-9 && psnr(meanSquare: 0).isFinite)
  }
}
