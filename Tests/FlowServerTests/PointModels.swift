// SPDX-License-Identifier: Apache-2.0

import FlowGeneration
import FlowManifolds
import FlowServer
import FlowTensor
import FlowTestSupport
import FlowWire
import Testing

/// Real flow maps of noise beside the pattern.
struct PointCatalogue: ModelCatalogue {
  func names() -> [String] { ["angles", "few", "pattern", "slow", "sphere", "wild"] }

  func describe(_ name: String) throws -> ServedModelDescription { try load(name).description }

  func load(_ name: String) throws -> ServedModel {
    switch name {
    case "pattern": return .video(PatternModel(name))
    case "angles": return .manifold(FlowMapModel(try tinyManifold(name, geometry: "torus(7)")))
    case "few": return .manifold(FlowMapModel(try tinyManifold(name, maximumEvaluations: 4)))
    case "slow": return .manifold(FlowMapModel(try tinyManifold(name, width: 256, layers: 3)))
    case "wild":
      let tame = try tinyManifold(name, geometry: "euclidean(3)")
      let weights = tame.weights.map { $0.affine(scale: .infinity) }
      return .manifold(
        FlowMapModel(try ManifoldBundle(name: name, manifest: tame.manifest, weights: weights)))
    default: return .manifold(FlowMapModel(try tinyManifold(name)))
    }
  }
}

/// A stream of points as a client got it.
struct CollectedPoints {
  var headers: [PointsHeader] = []
  var bytes: [UInt8] = []
  var end: StreamEnd?
}

extension TestClient {
  func openPoints(_ request: OpenRequest, id: String? = nil) throws -> OpenedPoints {
    try send(.open(request), id: id)
    let message = try next()
    guard case .openedPoints(let opened) = message.reply else { throw Unexpected(message.reply) }
    #expect(message.id == id)
    return opened
  }

  /// Gives a message of credit for each message, and collects the stream to its end.
  func collectPoints(_ session: String) throws -> CollectedPoints {
    var collected = CollectedPoints()
    while true {
      let message = try next()
      switch message.reply {
      case .points(let header) where header.session == session: collected.headers.append(header)
      case .end(let end) where end.session == session:
        collected.end = end
        return collected
      default: throw Unexpected(message.reply)
      }
      collected.bytes += message.body ?? []
      try send(.credit(CreditRequest(session: session, count: 1)))
    }
  }
}
