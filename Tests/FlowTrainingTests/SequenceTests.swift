// SPDX-License-Identifier: Apache-2.0

import FlowGeneration
import FlowTensor
import Testing

@testable import FlowTraining

@Suite("Sequences of play")
struct SequenceTests {
  @Test("sequences are consecutive frames of one episode, after an earlier one, with their actions")
  func sequences() throws {
    try withFolder { folder in
      let source = try tinyLatents(in: folder).0
      let places = try self.places(source)
      let (episodes, frames) = (source.recording.episodes, 5)
      var firsts: Set<Int> = [], near = 0
      for key: UInt64 in 0..<60 {
        var random = Random(key: key)
        let batch = SequenceBatch(source, count: 3, frames: frames, &random)
        let distance = batch.positions[1]
        near += distance == 1 ? 1 : 0
        #expect(batch.positions == [0] + (0..<4).map { distance + $0 } && distance <= 100_000)
        for sequence in 0..<3 {
          let row = { (x: Tensor, frame: Int) in
            x.rows(sequence..<sequence + 1).slice(axis: 1, frame..<frame + 1).elements
          }
          let indices = try (0..<frames).map { try #require(places[row(batch.latents, $0)]) }
          let episode = try #require(episodes.first { $0.contains(indices[1]) })
          #expect(episode.contains(indices[0]) && episode.contains(indices[4]) && indices[0] < indices[1])
          if distance == 1 { #expect(indices[0] == indices[1] - 1) }
          #expect(Array(indices[1...]) == Array(indices[1]..<indices[1] + 4))
          #expect(row(batch.previous, 0).allSatisfy { $0 == 0 })
          for frame in 1..<frames {
            #expect(places[row(batch.previous, frame)] == indices[frame] - 1)
            #expect(batch.actions[sequence * frames + frame] == source.recording.actions[indices[frame]])
          }
          #expect(batch.actions[sequence * frames] == 0)
          firsts.insert(indices[1])
        }
      }
      // Every possible first target: from the second frame of an episode to the last four frames.
      #expect(firsts.sorted() == Array(1...10) + Array(15...30))
      #expect((15...45).contains(near))
    }
  }

  /// Which frame a latent belongs to.
  private func places(_ source: LatentRecording) throws -> [[Float]: Int] {
    let all = source.latents(Array(0..<source.recording.count))
    var places: [[Float]: Int] = [:]
    for index in 0..<source.recording.count { places[all.rows(index..<index + 1).elements] = index }
    try #require(places.count == source.recording.count, "two frames have the same latent")
    return places
  }

  @Test("latents are those of the codec, rounded to bfloat16, and kept in a file")
  func latents() throws {
    try withFolder { folder in
      let (latents, codec) = try tinyLatents(in: folder)
      let exact = codec.encode(latents.recording.pictures([3, 30])), stored = latents.latents([3, -1, 30])
      #expect(stored.shape == [3, 2, 4, 3])
      for (row, wanted) in [(0, 0), (2, 1)] {
        let pairs = zip(stored.rows(row..<row + 1).elements, exact.rows(wanted..<wanted + 1).elements)
        #expect(pairs.allSatisfy { abs($0 - $1) <= max(abs($1), 1e-3) / 128 })
      }
      #expect(stored.rows(1..<2).elements.allSatisfy { $0 == 0 })
      // Normalised: over all frames each channel has mean 0 and deviation 1.
      let all = latents.latents(Array(0..<37)), rows = all.reshaped([all.count / 3, 3])
      #expect(rows.sum(axis: 0).elements.allSatisfy { abs($0) / Float(all.count / 3) < 1e-2 })
      #expect(abs(all.sumOfSquares / Double(all.count) - 1) < 1e-2)
    }
  }
}

@Suite("Encoded recordings")
struct LatentRecordingTests {
  @Test("latents of another codec are made anew, those of the same are kept")
  func staleLatents() throws {
    try withFolder { folder in
      let (latents, codec) = try tinyLatents(in: folder)
      let path = folder + "/latents-again.safetensors"
      let first = try LatentRecording(latents.recording, codec: codec, path: path, progress: .silent)
      let written = try bytes(of: path)
      _ = try LatentRecording(latents.recording, codec: codec, path: path, progress: .silent)
      #expect(try bytes(of: path) == written)
      let other = LatentCodec(
        codec.model, weights: codec.weights, mean: codec.mean.affine(scale: 1, shift: 1),
        deviation: codec.deviation)
      let second = try LatentRecording(latents.recording, codec: other, path: path, progress: .silent)
      #expect(second.latents([0]).elements != first.latents([0]).elements)
    }
  }
}
