// SPDX-License-Identifier: Apache-2.0

/// Points that a flow map is to start at; their coordinates are part 1 of the `open` request.
///
/// Whether they lie on the model's manifold is for the model to find out.
public struct StartPoints: Sendable, Equatable {
  /// How many.
  public let count: Int
  /// Numbers a point.
  public let width: Int
  /// The coordinates, a point after the other, each finite.
  public let coordinates: [Float]

  /// Checks points as far as that goes without a manifold.
  public init(count: Int, width: Int, coordinates: [Float]) throws(WireError) {
    try checkRange("start.shape", count, 1...WireLimits.points)
    try checkRange("start.shape", width, 1...WireLimits.partBytes)
    guard coordinates.count <= WireLimits.partBytes / 4 else {
      throw WireError(
        .tooLarge,
        "start has \(coordinates.count * 4) bytes; the limit is \(WireLimits.partBytes), so send it in parts",
        field: "start")
    }
    guard coordinates.count == count.multipliedReportingOverflow(by: width).partialValue else {
      throw .badRequest(
        "start", "part 1 has \(coordinates.count) numbers; the shape [\(count), \(width)] has another number")
    }
    if let bad = coordinates.firstIndex(where: { !$0.isFinite }) {
      throw .badRequest(
        "start",
        "coordinate \(bad % width) of point \(bad / width) of start is \(coordinates[bad]); send finite numbers"
      )
    }
    self.count = count
    self.width = width
    self.coordinates = coordinates
  }

  init(_ fields: FieldReader, body: [UInt8]?) throws(WireError) {
    let type = try fields.string("dtype") ?? PointsWish.format
    guard type == PointsWish.format else {
      throw fields.mismatch("dtype", "\"\(type)\" is unknown; take \(PointsWish.format)")
    }
    let shape = try fields.require("shape", fields.integers("shape"))
    guard shape.count == 2 else {
      throw fields.mismatch("shape", "must be [points, coordinates], two integers")
    }
    guard let body else {
      throw .badRequest("start", "start is described but part 1 is missing; send its coordinates as part 1")
    }
    guard body.count % 4 == 0 else {
      throw .badRequest("start", "part 1 has \(body.count) bytes, which are no whole float32 numbers")
    }
    let coordinates = body.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map {
        Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
      }
    }
    try self.init(count: shape[0], width: shape[1], coordinates: coordinates)
  }

  var json: JSONObject {
    var object = JSONObject()
    object.append("dtype", PointsWish.format)
    object.append("shape", [count, width])
    return object
  }

  /// Part 1: the coordinates as little-endian float32.
  var bytes: [UInt8] {
    let words = coordinates.map { $0.bitPattern.littleEndian }
    return words.withUnsafeBytes { Array($0) }
  }
}
