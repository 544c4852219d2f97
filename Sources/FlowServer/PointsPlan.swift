// SPDX-License-Identifier: Apache-2.0

internal import FlowGeneration
internal import FlowWire

/// A wish for points checked against the model that it names: nothing in it can be wrong any more, except that
/// start points may lie off the manifold.
struct PointsPlan {
  let model: ManifoldModelDescription
  let seed: UInt64
  let walk: PointWalk
  let points: Int
  let batch: Int
  let wantsTrajectory: Bool
  var start: StartPoints?
  /// The most messages that the client may be owed.
  let creditLimit: Int

  /// Bytes of a message unless the client asks otherwise, about, and the most points.
  private static let usualBytes = 256 << 10
  private static let usualPoints = 16_384
  /// The most bytes of points that may wait for a client.
  private static let bytesInFlight = 256 << 20

  /// Checks a wish.
  ///
  /// - Throws: an error that names the field.
  init(_ request: OpenRequest, _ wish: PointsWish, model: ManifoldModelDescription, seed: UInt64)
    throws(WireError)
  {
    let evaluations = wish.evaluations ?? model.defaultEvaluations
    guard (1...model.maximumEvaluations).contains(evaluations) else {
      throw .badRequest(
        "nfe", "nfe is \(evaluations); the model \(model.name) takes 1 to \(model.maximumEvaluations)")
    }
    let ambient = model.geometry.ambient
    if let start = wish.start, start.width != ambient {
      throw .badRequest(
        "start.shape",
        "start has points of \(start.width) coordinates; a point of \(model.geometry.name) has \(ambient): "
          + model.coordinates.prefix(12).joined(separator: ", "))
    }
    if wish.start == nil, wish.startTime < 1 {
      throw .badRequest(
        "t",
        "t is \(wish.startTime) and there is no start: points that the model draws are of the prior, at t = 1; send start "
          + "points, or leave t out")
    }
    self.model = model
    self.seed = request.seed ?? seed
    walk = PointWalk(start: Float(wish.startTime), end: Float(wish.endTime), evaluations: evaluations)
    points = wish.points
    wantsTrajectory = wish.wantsTrajectory
    start = wish.start
    let pointBytes = 4 * ambient * (wish.wantsTrajectory ? evaluations + 1 : 1)
    batch = try Self.chooseBatch(wish, pointBytes: pointBytes)
    creditLimit = max(1, min(WireLimits.credit, Self.bytesInFlight / (pointBytes * batch)))
    guard request.credit <= creditLimit else {
      throw .badRequest(
        "credit",
        "credit is \(request.credit); messages of \(batch) points allow \(creditLimit) at a time")
    }
  }

  /// How many messages; 0 goes on until the stream is closed.
  var messages: Int { (points + batch - 1) / batch }

  /// The times at which points are sent.
  var times: [Double] {
    wantsTrajectory
      ? (0...walk.evaluations).map { Double(walk.time($0)) } : [Double(walk.end)]
  }

  var options: PointStreamOptions {
    PointStreamOptions(
      seed: seed, walk: walk, count: points == 0 ? nil : points, batch: batch,
      wantsTrajectory: wantsTrajectory,
      start: start?.coordinates)
  }

  /// What is wrong with the start points on the manifold, or nil.
  var startFault: WireError? {
    guard let start, let fault = model.geometry.fault(in: start.coordinates) else { return nil }
    return .badRequest(
      "start",
      "point \(fault.index) of start is \(fault.distance) away from \(model.geometry.name), which is more than "
        + "\(PointGeometry.tolerance); send points of the manifold")
  }

  private static func chooseBatch(_ wish: PointsWish, pointBytes: Int) throws(WireError) -> Int {
    guard pointBytes <= WireLimits.partBytes else {
      throw WireError(
        .tooLarge,
        "the trajectory of a point has \(pointBytes) bytes; the limit is \(WireLimits.partBytes), so ask for fewer nfe",
        field: "trajectory")
    }
    let most = WireLimits.partBytes / pointBytes
    if let batch = wish.batch, batch > most {
      throw WireError(
        .tooLarge,
        "batch is \(batch), which takes \(batch * pointBytes) bytes; the limit is \(WireLimits.partBytes), which is "
          + "\(most) points", field: "batch")
    }
    let usual = max(1, min(usualPoints, usualBytes / pointBytes, most))
    let batch = wish.batch ?? usual
    return wish.points == 0 ? batch : min(batch, wish.points)
  }
}

extension ManifoldModelDescription {
  /// Points in a message unless the client asks otherwise.
  var defaultBatch: Int { max(1, min(16_384, (256 << 10) / (4 * geometry.ambient))) }
}
