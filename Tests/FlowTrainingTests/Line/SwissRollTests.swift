// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowManifolds
import FlowMaps
import FlowNN
import FlowTensor
import Glibc
import Testing

@testable import FlowTraining

/// A spiral in a plane of a space of more dimensions than the network is wide: what pixel MeanFlow is for (2601.22158).
///
/// A velocity has the noise in it, which fills the space; a picture is on the plane, whatever the space.
@Suite("A spiral in many dimensions")
struct SwissRollTests {
  /// Points of the spiral, [count, dimension], in a plane that the dimension decides.
  private static func spiral(_ count: Int, _ plane: Tensor, _ random: inout Random) -> Tensor {
    let angles = random.uniforms(count).map { 1.5 * Float.pi * (1 + 2 * $0) }
    let points = angles.flatMap { [$0 * cos($0) / 8, $0 * sin($0) / 8] }
    return Tensor.matmul(Tensor(points, shape: [count, 2]), plane)
  }

  /// Two orthonormal rows, [2, dimension].
  private static func plane(_ dimension: Int) -> Tensor {
    var random = Random(key: 6)
    let first = unit(random.normal([1, dimension])), second = random.normal([1, dimension])
    let along = Tensor.matmul(second, first, transposeB: true).item
    return Tensor.concatenate(
      [first, unit(Tensor.combine(.subtract, second, first.affine(scale: along)))], axis: 0)
  }

  private static func unit(_ x: Tensor) -> Tensor {
    x.affine(scale: Float(1 / x.sumOfSquares.squareRoot()))
  }

  /// √MMD of one jump's points to the spiral, of a network of three layers of 64 that answers with this head.
  private static func discrepancy(_ head: NetworkHead, dimension: Int) -> Double {
    let space = Euclidean(dimension: dimension), plane = plane(dimension)
    let model = MLP(
      MLPConfiguration(input: dimension, output: dimension, width: 64, layers: 3, times: .everyLayer))
    let map = { (p: Parameters) in
      ManifoldMap(space) { z, r, t in head.velocity(model(z, r: r, t: t, p), at: z, t: t) }
    }
    var recipe = ObjectiveRecipe(target: .meanFlow, pairs: .triangle)
    recipe.diagonal = 0.5
    let objective = recipe.objective(on: space)
    let averages = trainedAverages(model.layout, steps: 1500) { p, _, progress, random in
      let data = Variable(spiral(256, plane, &random)), noise = Variable(random.normal([256, dimension]))
      let maps = ObjectiveMaps(online: map(p), teacher: map(p.detached))
      let loss = objective.loss(data: data, noise: noise, maps: maps, progress: progress, &random)
      return loss.diagonal + loss.jumps
    }
    var random = Random(key: 9)
    let made = map(Parameters(averages)).sample(
      random.normal([1000, dimension]), schedule: uniformSchedule(steps: 1), by: .jump)
    let real = spiral(1000, plane, &random)
    let discrepancy = Discrepancy(on: space)
    return discrepancy.estimate(made, against: discrepancy.reference(real)).biased
  }

  @Test("card 11: a head that answers with data does as well in 128 dimensions, one with velocities does not")
  func heads() {
    let data = [2, 128].map { Self.discrepancy(.data, dimension: $0) }
    let velocity = Self.discrepancy(.velocity, dimension: 128)
    #expect(data[1] < 2.5 * data[0], "\(data)")
    #expect(velocity > 3 * data[1], "\(velocity) against \(data)")
  }
}
