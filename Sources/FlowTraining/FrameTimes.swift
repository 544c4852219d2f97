// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowMaps
internal import FlowTensor

/// One number a frame of a batch of sequences, [batch, frames].
struct FrameTime {
  private let values: Tensor

  /// Values of any shape that begins [batch, frames] and goes on with 1s.
  init(_ values: Tensor) { self.values = values.reshaped([values.shape[0], values.shape[1]]) }

  /// Values made from the sequence, the frame and a uniform number.
  static func drawn(
    _ recipe: GeneratorRecipe, _ random: inout Random, _ make: (Int, Int, Float) -> Float
  ) -> FrameTime {
    let uniform = random.uniforms(recipe.batch * recipe.frames)
    let values = uniform.enumerated().map { make($0 / recipe.frames, $0 % recipe.frames, $1) }
    return FrameTime(Tensor(values, shape: [recipe.batch, recipe.frames]))
  }

  /// As the network takes them, [batch · frames, 1].
  var rows: Variable { Variable(values.reshaped([values.count, 1])) }
  /// As they multiply latents, [batch, frames, 1, 1, 1].
  var frames: Variable { Variable(values.reshaped([values.shape[0], values.shape[1], 1, 1, 1])) }
  /// The values of some of the sequences.
  func sequences(_ range: Range<Int>) -> FrameTime { FrameTime(values.rows(range)) }
}

/// The times of a batch: the first sequences learn jumps t → s → r, the others the diagonal r = s = t.
struct FrameTimes {
  let jumpSequences: Int
  let r: FrameTime
  let s: FrameTime
  let t: FrameTime
  /// 1 where a jump is of the finest schedule.
  let finest: FrameTime
  /// 1/(t + 0.1), and 0 for given frames, [batch, frames, 1, 1, 1].
  let weights: Variable

  init(_ recipe: GeneratorRecipe, _ random: inout Random) {
    let frames = recipe.frames
    jumpSequences = Int((Float(recipe.batch) * recipe.jumps).rounded())
    var r: [Float] = [], s: [Float] = [], t: [Float] = [], finest: [Float] = []
    for sequence in 0..<recipe.batch {
      let drawn = random.uniforms(frames), pinned = random.uniforms(frames)
      let diagonal = zip(drawn, pinned).map { $1 < recipe.atOne ? 1 : $0 }
      for frame in 0..<frames {
        if frame == 0 {
          // A given frame is clean and asked for r = 0, as in a stream. Jumps must not divide by zero there;
          // its loss has weight 0.
          let (end, start): (Float, Float) = sequence < jumpSequences ? (0, 1e-6) : (0, 0)
          // s is so near t that the frame stays as it is.
          (r, s, t) = (r + [end], s + [start * 0.999], t + [start])
          finest.append(1)
        } else if sequence < jumpSequences {
          let jump = DyadicJump.sample(levels: recipe.levels, &random)
          (r, s, t) = (r + [jump.r], s + [jump.s], t + [jump.t])
          finest.append(jump.t - jump.r < 1.5 / Float(1 << (recipe.levels - 1)) ? 1 : 0)
        } else {
          (r, s, t) = (r + [diagonal[frame]], s + [diagonal[frame]], t + [diagonal[frame]])
          finest.append(0)
        }
      }
    }
    let shape: Shape = [recipe.batch, frames]
    (self.r, self.s, self.t) = (
      FrameTime(Tensor(r, shape: shape)), FrameTime(Tensor(s, shape: shape)),
      FrameTime(Tensor(t, shape: shape))
    )
    self.finest = FrameTime(Tensor(finest, shape: shape))
    let weights = t.enumerated().map { $0 % frames == 0 ? 0 : 1 / ($1 + 0.1) }
    self.weights = FrameTime(Tensor(weights, shape: shape)).frames
  }
}
