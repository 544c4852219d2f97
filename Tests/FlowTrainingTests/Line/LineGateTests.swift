// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import Glibc
import Testing

@testable import FlowTraining

/// Every target of the family, trained from nothing on laws whose samples are known; with what must fail beside it.
///
/// Weights are plain: an adaptive weight looks for a mode, not a mean, where a row is one number.
@Suite("Gates on a line")
struct LineGateTests {
  /// A recipe and how far one jump may end from N(0.7, 0.5²).
  struct Gate: CustomTestStringConvertible, Sendable {
    var name: String
    var recipe: ObjectiveRecipe
    var most: Double

    init(_ name: String, _ recipe: ObjectiveRecipe, _ most: Double = 0.05) {
      (self.name, self.recipe, self.most) = (name, recipe, most)
    }

    var testDescription: String { name }
  }

  private static let gates = [
    Gate("card 4: Lagrangian", .line(.lagrangian)),
    Gate("card 4: Eulerian", .line(.eulerian)),
    Gate("card 4: semigroup, half way", .line(.semigroup)),
    Gate("card 4: semigroup, anywhere", .line(.semigroup) { $0.splitsAnywhere = true }),
    Gate("card 4: shortcut", .line(.semigroup, .dyadic) { $0.teacher = .average }, 0.08),
    Gate("card 4: normalised tangents", .line(.meanFlow) { $0.normalisation = NormalisationRecipe() }),
    Gate("card 5: levels", .line(.consistency, .levels) { $0.levels = ConsistencyLevels(10, to: 80) }),
    Gate("card 6: MeanFlow", .line(.meanFlow)),
    Gate("card 6: MeanFlow by differences", .line(.meanFlow) { $0.difference = 5e-3 }),
    Gate("card 7: improved MeanFlow", .line(.improvedMeanFlow)),
    Gate("along its own velocity", .line(.meanFlowOwn)),
    Gate("card 8: AlphaFlow", .line(.alpha), 0.1),
    Gate("card 8: AlphaFlow along its own velocity", .line(.alphaOwn), 0.1),
    Gate("card 9: short jumps first", .line(.meanFlow) { $0.lengthPower = 1 }),
    Gate("card 21: Lagrangian regression", .line(.lagrangianRegression)),
    Gate("card 23: terminal velocity", .line(.lagrangian, .length) { $0.teacher = .average }),
  ]

  @Test("one jump makes the normal law", arguments: gates)
  func normal(gate: Gate) {
    let distance = LineGate(gate.recipe, steps: 1500).distance(jumps: 1)
    #expect(distance <= gate.most, "\(distance)")
  }

  @Test(
    "one jump makes two bumps",
    arguments: [
      Gate("card 6: MeanFlow", .line(.meanFlow), 0.16),
      Gate("card 7: improved MeanFlow", .line(.improvedMeanFlow), 0.16),
      Gate("card 8: AlphaFlow", .line(.alpha), 0.16), Gate("card 4: semigroup", .line(.semigroup), 0.16),
      Gate("card 4: Lagrangian", .line(.lagrangian), 0.3),
    ])
  func bumps(gate: Gate) {
    let distance = LineGate(gate.recipe, on: .two, steps: 2000).distance(jumps: 1)
    #expect(distance <= gate.most, "\(distance)")
  }

  @Test("one step of Euler's method makes neither", arguments: [(LineLaw.normal, 0.45), (.two, 0.9)])
  func control(law: LineLaw, least: Double) {
    let gate = LineGate(ObjectiveRecipe(target: .none, pairs: .diagonal), on: law, steps: 800)
    #expect(gate.distance(jumps: 1, by: .euler) >= least)
  }

  @Test("a share α that stays at ½ ends with the spread that is known, 0.3648")
  func fixedShare() {
    let ends = LineGate(.line(.alpha) { $0.share = 0.5 }, steps: 4000).ends(jumps: 1)
    let mean = ends.reduce(0, +) / Double(ends.count)
    let square = ends.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(ends.count)
    #expect(abs(square.squareRoot() - 0.3648) < 0.01, "\(square.squareRoot())")
  }

  @Test(
    "a derivative along (v, 0, 0), (v, 1, 0) or (v, 1, 1), or of the wrong sign, fails",
    arguments: [
      WrongMeanFlow(landing: 0, start: 0), WrongMeanFlow(landing: 1, start: 0),
      WrongMeanFlow(landing: 1, start: 1), WrongMeanFlow(landing: 0, start: 1, sign: -1),
    ])
  func wrong(target: WrongMeanFlow) {
    var objective = ObjectiveRecipe.line(.meanFlow).objective(on: Euclidean(dimension: 1))
    objective.target = target
    let distance = LineGate(objective, steps: 1000).distance(jumps: 1)
    // Not a number, if it diverged.
    #expect(!(distance < 0.2), "\(distance)")
  }
}

/// MeanFlow with a derivative along (v, landing, start), or of another sign: what a mistake would train by.
struct WrongMeanFlow: JumpTarget {
  var landing: Float
  var start: Float
  var sign: Float = 1

  func error(_ batch: JumpBatch, online: ManifoldMap, teacher: ManifoldMap) -> Variable {
    let one = 0 * batch.t + 1
    let average = jvpDetachingTangent(
      at: [batch.z, batch.r, batch.t], along: [batch.velocity, landing * one, start * one]
    ) { online.velocity($0[0], r: $0[1], t: $0[2]) }
    let target = batch.velocity - (sign * (batch.t - batch.r)) * average.tangent
    let difference = average.value - target.detached
    return difference * difference
  }
}

extension ObjectiveRecipe {
  /// A target on half of the rows, the others on the diagonal.
  static func line(
    _ target: Target, _ pairs: Pairs = .triangle, _ change: (inout ObjectiveRecipe) -> Void = { _ in }
  ) -> ObjectiveRecipe {
    var recipe = ObjectiveRecipe(target: target, pairs: pairs)
    recipe.diagonal = 0.5
    change(&recipe)
    return recipe
  }
}
