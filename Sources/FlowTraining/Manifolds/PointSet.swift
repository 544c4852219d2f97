// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
public import FlowManifolds
public import FlowTensor

/// Points of a manifold to learn from, [count, ambient], and what each is for.
public struct PointSet: Sendable {
  /// All points, in the order of their file.
  public let points: Tensor
  /// What each point is for.
  public let split: DataSplit

  /// Points of a manifold, split as ``DataSplit`` says. Throws ``TrainingError`` if one is not on the manifold.
  public init(_ points: Tensor, on manifold: any Manifold, origin: String) throws {
    precondition(points.shape.rank == 2, "PointSet: points of shape \(points.shape)")
    guard points.shape[1] == manifold.ambient else {
      throw TrainingError(
        .badData,
        "\(origin) has \(points.shape[1]) numbers a point, \(manifold.name) has \(manifold.ambient); change the recipe's manifold"
      )
    }
    guard points.shape[0] >= 30 else {
      throw TrainingError(.badData, "\(origin) has \(points.shape[0]) points; a split wants 30 or more")
    }
    let violation = manifold.violation(points)
    if let worst = violation.indices.max(by: { violation[$0] < violation[$1] }), violation[worst] > 1e-4 {
      throw TrainingError(
        .badData, "\(origin): point \(worst + 1) is \(violation[worst]) off \(manifold.name); mend the file")
    }
    self.points = points
    split = DataSplit(count: points.shape[0])
  }

  /// The points that training sees.
  public var training: Tensor { rows(split.training) }
  /// The points that choose between trainings.
  public var validation: Tensor { rows(split.validation) }
  /// The points that judge.
  public var test: Tensor { rows(split.test) }

  private func rows(_ indices: [Int]) -> Tensor { points.gather(indices.map(Int32.init)) }
}
