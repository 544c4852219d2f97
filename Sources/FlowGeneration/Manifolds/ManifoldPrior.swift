// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
public import FlowManifolds
public import FlowTensor

/// Where generation starts from, at t = 1.
public enum ManifoldPrior: Sendable, Codable, Equatable {
  /// The manifold's own: uniform where it is compact, a (wrapped) normal where it is not.
  case standard
  /// One of these points, each as likely as the others, then exp of a normal tangent with this standard deviation a
  /// dimension.
  case wrappedNormal(centres: [[Float]], deviation: Float)

  /// `count` points [count, ambient].
  public func sample(_ count: Int, on manifold: any Manifold, _ random: inout Random) -> Tensor {
    switch self {
    case .standard: return manifold.samplePrior(count, &random)
    case .wrappedNormal(let centres, let deviation):
      let choices = random.uniforms(count).map { min(centres.count - 1, Int($0 * Float(centres.count))) }
      let points = Variable(Tensor(choices.flatMap { centres[$0] }, shape: [count, manifold.ambient]))
      let tangent = deviation * manifold.tangentNormal(at: points, &random)
      return manifold.projected(manifold.exp(points, tangent)).tensor
    }
  }

  /// What the prior is, for people.
  public var summary: String {
    switch self {
    case .standard: "standard"
    case .wrappedNormal(let centres, let deviation):
      "wrapped normal of deviation \(deviation) at \(centres.count == 1 ? "a point" : "\(centres.count) points")"
    }
  }

  /// What makes the prior impossible on a manifold, or nil.
  func fault(on geometry: PointGeometry) -> String? {
    guard case .wrappedNormal(let centres, let deviation) = self else { return nil }
    guard deviation > 0, deviation.isFinite else {
      return "prior.deviation is \(deviation) and must be positive"
    }
    guard !centres.isEmpty, centres.allSatisfy({ $0.count == geometry.ambient }) else {
      return "prior.centres must be points of \(geometry.ambient) numbers"
    }
    return geometry.fault(in: centres.flatMap { $0 }).map {
      "prior.centres: point \($0.index) is \($0.distance) off \(geometry.name)"
    }
  }

  /// Points `first`, … of a stream, each decided by `seed` and its number alone.
  func draw(
    _ rows: Int, on geometry: PointGeometry, seed: UInt64, first: Int, into x: UnsafeMutablePointer<Float>,
    stride: Int
  ) {
    if self == .standard { return geometry.draw(rows, seed: seed, first: first, into: x, stride: stride) }
    geometry.drawBlocks(rows, seed: seed, first: first, into: x, stride: stride) { random in
      sample(PointGeometry.blockCount, on: geometry.manifold, &random)
    }
  }
}
