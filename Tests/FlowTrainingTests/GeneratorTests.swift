// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowNN
import FlowTensor
import Testing

@testable import FlowTraining

@Suite("The generator's stage")
struct GeneratorTests {
  @Test(
    "loss and gradient are finite with jumps and own context", arguments: [Float(0), 0.5, 1], [Float(0), 0.5])
  func finite(jumps: Float, ownContext: Float) throws {
    try withFolder { folder in
      let stage = try tinyGenerator(in: folder, tinyRecipe(ownContext: ownContext, jumps: jumps))
      let weights = randomWeights(stage.layout, seed: 1), average = randomWeights(stage.layout, seed: 2)
      for key: UInt64 in 1...4 {
        let (loss, gradient) = valueAndGradient(at: weights.map { Variable($0) }) { weights in
          var random = Random(key: key)
          return stage.loss(Parameters(weights), average: Parameters(average), progress: 0, random: &random)
        }
        #expect(loss.tensor.isFinite && loss.tensor.item > 0)
        #expect(gradient.allSatisfy { $0.tensor.isFinite })
        #expect(gradient.contains { $0.tensor.sumOfSquares > 0 })
      }
    }
  }

  /// A fresh network predicts the latent before, whatever the noise: then the loss is known.
  @Test("at t = 1 the loss is the weighted squared error of the prediction, given frames left out")
  func diagonal() throws {
    try withFolder { folder in
      let stage = try tinyGenerator(in: folder, tinyRecipe(atOne: 1, contextNoise: 0))
      let weights = Parameters(stage.layout.initialize(seed: 1))
      for key: UInt64 in 1...3 {
        var random = Random(key: key), same = Random(key: key)
        let loss = stage.loss(weights, average: weights, progress: 0, random: &random).tensor.item
        let batch = SequenceBatch(try tinyLatents(in: folder).0, count: 4, frames: 5, &same)
        let error = Tensor.combine(.subtract, batch.latents, batch.previous).slice(axis: 1, 1..<5)
        let wanted = error.sumOfSquares / Double(error.count) / 1.1
        #expect(abs(Double(loss) - wanted) < 1e-4 * wanted)
      }
    }
  }

  /// A prediction that does not depend on state and times is the flow map of a single point, whose jumps compose.
  @Test("off the diagonal, a flow map that composes has no loss")
  func fixedPoint() throws {
    try withFolder { folder in
      let stage = try tinyGenerator(in: folder, tinyRecipe(jumps: 1))
      let weights = Parameters(stage.layout.initialize(seed: 1))
      for key: UInt64 in 1...5 {
        var random = Random(key: key)
        #expect(stage.loss(weights, average: weights, progress: 0, random: &random).tensor.item < 1e-6)
      }
    }
  }

  /// The semigroup in terms of states: a jump of the model lands at (r/t)·z + (1 − r/t)·D, and the target is the D whose
  /// one jump lands where two half jumps of the average do. The finest half jumps are Euler steps: D on the diagonal.
  @Test("off the diagonal the target lands where two half jumps land", arguments: 1...4)
  func jumps(key: Int) throws {
    try withFolder { folder in
      let recipe = tinyRecipe(jumps: 1)
      let stage = try tinyGenerator(in: folder, recipe)
      let weights = Parameters(randomWeights(stage.layout, seed: 1))
      let average = Parameters(randomWeights(stage.layout, seed: 2))
      var random = Random(key: UInt64(key)), same = Random(key: UInt64(key))
      let loss = stage.loss(weights, average: average, progress: 0, random: &random).tensor.item

      let batch = SequenceBatch(try tinyLatents(in: folder).0, count: 4, frames: 5, &same)
      let times = FrameTimes(recipe, &same)
      let level = FrameTime.drawn(recipe, &same) { _, _, uniform in uniform * 0.4 }
      let previous = Variable(batch.previous) + level.frames * Variable(same.normal(batch.previous.shape))
      let conditions = FrameConditions(previous: previous, actions: batch.actions, contextNoise: level.rows)
      let noise = Variable(same.normal(batch.latents.shape)), x = Variable(batch.latents)
      let z = (1 - times.t.frames) * x + times.t.frames * noise
      let predict = { (z: Variable, r: FrameTime, t: FrameTime, parameters: Parameters) in
        stage.model(z, r: r.rows, t: t.rows, conditions, positions: batch.positions, parameters)
      }
      // A given frame stays what it is: its share of a jump is 0.
      let share = { (r: FrameTime, t: FrameTime) in
        let counts = Variable(times.weights.tensor.map(.sign))
        return 1 - counts + counts * (r.frames / t.frames)
      }
      let (r, s, t, finest) = (times.r, times.s, times.t, times.finest)
      let asked = { (r: FrameTime, t: FrameTime) in
        FrameTime((finest.frames * t.frames + (1 - finest.frames) * r.frames).tensor)
      }
      let halfway = share(s, t) * z + (1 - share(s, t)) * predict(z, asked(s, t), t, average)
      let landed = share(r, s) * halfway + (1 - share(r, s)) * predict(halfway, asked(r, s), s, average)
      let residual = landed - (share(r, t) * z + (1 - share(r, t)) * predict(z, r, t, weights))
      // The squared error of D is that of the landing over the square of what D is multiplied by.
      let scale = 1 - share(r, t) + Variable(times.weights.tensor.map(.sign).affine(scale: -1, shift: 1))
      let wanted = ((residual / scale).map(.square) * times.weights).sum().tensor.item / Float(4 * 4 * 24)
      #expect(abs(loss - wanted) < 5e-3 * wanted, "\(loss), \(wanted)")
    }
  }

  @Test("times are ordered, jumps come first, and given frames do not count")
  func times() throws {
    let recipe = GeneratorRecipe(
      optimiser: tinyOptimiser(steps: 1), batch: 8, frames: 6, atOne: 0.3, contextNoise: 0, ownContext: 0,
      jumps: 0.5,
      levels: 3)
    for key: UInt64 in 1...20 {
      var random = Random(key: key)
      let times = FrameTimes(recipe, &random)
      #expect(times.jumpSequences == 4)
      let (r, s, t) = (
        times.r.rows.tensor.elements, times.s.rows.tensor.elements, times.t.rows.tensor.elements
      )
      let (finest, weights) = (times.finest.rows.tensor.elements, times.weights.tensor.elements)
      for index in 0..<48 {
        let isGiven = index % 6 == 0, isJump = index / 6 < 4
        #expect(isGiven ? weights[index] == 0 : abs(weights[index] - 1 / (t[index] + 0.1)) < 1e-5)
        #expect(isGiven ? t[index] < 1e-5 : (0...1).contains(t[index]))
        #expect(
          isJump ? r[index] < s[index] && s[index] < t[index] : r[index] == t[index] && s[index] == t[index])
        if isJump && !isGiven {
          let length = t[index] - r[index]
          #expect([1, 0.5, 0.25].contains(length) && (finest[index] == 1) == (length == 0.25))
        }
      }
    }
  }

  @Test("rollouts are measured at the steps asked for, and drawn")
  func rollouts() throws {
    try withFolder { folder in
      let stage = try tinyGenerator(in: folder)
      let parameters = Parameters(stage.layout.initialize(seed: 1))
      let figures = stage.validate(parameters)
      #expect(figures.map(\.name) == ["PSNR step 1", "copy 1", "PSNR step 2", "copy 2"])
      #expect(figures.allSatisfy { $0.value.isFinite })
      let sheet = try #require(stage.samples(parameters) as? SampleSheet)
      #expect(sheet.rows.count == 8 && sheet.rows.allSatisfy { $0.shape == [2, 16, 32, 3] && $0.isFinite })
      try sheet.write(to: folder + "/sheet.png")
      #expect(try bytes(of: folder + "/sheet.png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
    }
  }
}
