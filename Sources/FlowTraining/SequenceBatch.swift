// SPDX-License-Identifier: Apache-2.0

internal import FlowTensor
internal import Glibc

/// Sequences of play to learn from: a given frame, then consecutive ones.
///
/// In half of the batches the given frame comes just before the others; in the other half it is any earlier frame of
/// the episode and stands far back in time, as the sink of a long stream does.
struct SequenceBatch {
  /// Clean latents, [batch, frames, height, width, channels].
  let latents: Tensor
  /// The latents before them, zeros before the given frame.
  let previous: Tensor
  /// The action that led into each frame, [batch · frames]; 0 for the given one.
  let actions: [Int32]
  /// The place in time of each frame, the same for all sequences.
  let positions: [Int]

  /// Draws `count` sequences of `frames` frames.
  init(_ source: LatentRecording, count: Int, frames: Int, _ random: inout Random) {
    let draws = random.uniforms(2 * count + 2)
    let distant = draws[2 * count] < 0.5
    // Log-uniform up to 10⁵ frames: as far back as the sink of a long stream.
    let distance = distant ? max(2, Int(exp(draws[2 * count + 1] * log(1e5)))) : 1
    positions = [0] + (0..<frames - 1).map { distance + $0 }

    var indices: [Int] = [], before: [Int] = [], actions: [Int32] = []
    for sequence in 0..<count {
      let (episode, first) = Self.place(draws[2 * sequence], in: source.recording, frames: frames)
      let earlier = episode.lowerBound + Int(draws[2 * sequence + 1] * Float(first - episode.lowerBound))
      let targets = Array(first..<first + frames - 1)
      indices += [distant ? min(earlier, first - 1) : first - 1] + targets
      before += [-1] + targets.map { $0 - 1 }
      actions += [0] + targets.map { source.recording.actions[$0] }
    }
    let shape = Shape([count, frames] + source.latentShape.extents)
    latents = source.latents(indices).reshaped(shape)
    previous = source.latents(before).reshaped(shape)
    self.actions = actions
  }

  /// An episode and a first target in it, every possible first target as likely as the others.
  private static func place(_ draw: Float, in recording: Recording, frames: Int) -> (Range<Int>, Int) {
    // A sequence needs the frame before its first target, and frames − 1 targets.
    let choices = recording.episodes.map { max(0, $0.count - frames + 1) }
    var rest = min(choices.reduce(0, +) - 1, Int(Double(draw) * Double(choices.reduce(0, +))))
    precondition(rest >= 0, "the recording has no episode of \(frames) frames")
    for (episode, count) in zip(recording.episodes, choices) {
      if rest < count { return (episode, episode.lowerBound + 1 + rest) }
      rest -= count
    }
    preconditionFailure("unreachable: the choices were counted")
  }
}
