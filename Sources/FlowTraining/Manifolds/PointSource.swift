// SPDX-License-Identifier: Apache-2.0

public import FlowManifolds
internal import FlowTensor

/// A data set by name, as recipes name it: read from files under `$FLOW_DATA/manifolds`, or made.
public enum PointSource: String, Sendable, NamedChoice {
  /// Events on the Earth, unit vectors: Mathieu and Nickel (2020), and after them every paper of this field.
  case volcano, earthquake, flood, fire
  /// Seven torsion angles of a nucleotide's backbone.
  case rna
  /// Backbone angles φ, ψ of residues, drawn from the ranks that Lovell et al. (2003) tabulate: a surrogate.
  case general, glycine, proline, preproline
  /// Rotations along a roll (2510.00983), 40,000 points.
  case swissRoll
  /// Two wrapped normals of the Poincaré disk (Chen and Lipman 2024), 20,000 points.
  case hyperbolicPair
  /// Chains of rigid bodies, 20,000 of them: a backbone of turns of two kinds, one motion a body.
  case rigidChains
  /// A helix around a sphere of any dimension (2602.07744), 100,000 points.
  case helix

  /// The points, on the manifold that the recipe names.
  ///
  /// - Parameter data: where data are, `$FLOW_DATA`.
  public func load(on manifold: any Manifold, data: String) throws -> PointSet {
    let folder = "\(data)/manifolds"
    switch self {
    case .volcano: return try earth("\(folder)/earth/volerup.csv", manifold)
    case .earthquake: return try earth("\(folder)/earth/quakes_all.csv", manifold)
    case .flood: return try earth("\(folder)/earth/flood.csv", manifold)
    case .fire: return try earth("\(folder)/earth/fire.csv", manifold)
    case .rna:
      let path = "\(folder)/torus/rna.tsv"
      return try PointSet(angles(path: path, columns: 7, labels: 2), on: manifold, origin: path)
    case .general: return try ranks("\(folder)/torus/top500_rank_general.data", 138_208, manifold)
    case .glycine: return try ranks("\(folder)/torus/top500_rank_glycine.data", 13_283, manifold)
    case .proline: return try ranks("\(folder)/torus/top500_rank_proline.data", 7634, manifold)
    case .preproline: return try ranks("\(folder)/torus/top500_rank_preproline.data", 6910, manifold)
    case .swissRoll: return try made(swissRollRotations(count: 40_000), manifold)
    case .hyperbolicPair: return try made(hyperbolicPairPoints(count: 20_000, on: manifold), manifold)
    case .rigidChains: return try made(rigidChainPoses(count: 20_000, on: manifold), manifold)
    case .helix: return try made(sphereHelix(count: 100_000, on: manifold), manifold)
    }
  }

  private func earth(_ path: String, _ manifold: any Manifold) throws -> PointSet {
    try PointSet(earthPoints(path: path), on: manifold, origin: path)
  }

  private func ranks(_ path: String, _ count: Int, _ manifold: any Manifold) throws -> PointSet {
    try PointSet(RankTable(path: path).sample(count), on: manifold, origin: path)
  }

  private func made(_ points: @autoclosure () throws -> Tensor, _ manifold: any Manifold) throws -> PointSet {
    try PointSet(points(), on: manifold, origin: rawValue)
  }
}
