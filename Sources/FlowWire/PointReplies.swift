// SPDX-License-Identifier: Apache-2.0

/// A stream of points has begun; everything that decides its bytes is told.
public struct OpenedPoints: Sendable, Equatable {
  /// What `opened` says its kind is.
  static let kind = "points"

  /// The name of the session in all later messages.
  public let session: String
  /// Where the stream stands for this client, and what lets it come back.
  public let tenancy: Tenancy
  /// The name of the model.
  public let model: String
  /// SHA-256 of its weights.
  public let modelDigest: String
  /// The manifold.
  public let geometry: String
  /// What each number of a point is.
  public let coordinates: [String]
  /// The seed in use.
  public let seed: UInt64
  /// Network evaluations a point.
  public let evaluations: Int
  /// How many points will come; 0 until the stream is closed.
  public let points: Int
  /// Points in a message; the last one may have fewer.
  public let batch: Int
  /// The times at which points are sent, from the start of the walk to its end; the end alone without a trajectory.
  public let times: [Double]

  /// A stream of points that has begun.
  public init(
    session: String, tenancy: Tenancy, model: String, modelDigest: String, geometry: String,
    coordinates: [String],
    seed: UInt64,
    evaluations: Int, points: Int, batch: Int, times: [Double]
  ) {
    self.session = session
    self.tenancy = tenancy
    self.model = model
    self.modelDigest = modelDigest
    self.geometry = geometry
    self.coordinates = coordinates
    self.seed = seed
    self.evaluations = evaluations
    self.points = points
    self.batch = batch
    self.times = times
  }

  init(_ fields: FieldReader) throws(WireError) {
    session = try fields.require("sid", fields.string("sid"))
    tenancy = try Tenancy(fields)
    let model = try fields.require("model", fields.reader("model"))
    self.model = try model.require("name", model.string("name"))
    modelDigest = try model.require("sha256", model.string("sha256"))
    geometry = try fields.require("geometry", fields.string("geometry"))
    coordinates = try fields.require("coordinates", fields.strings("coordinates"))
    seed = try fields.require("seed", fields.unsigned("seed"))
    evaluations = try fields.require("nfe", fields.integer("nfe"))
    points = try fields.require("points", fields.integer("points"))
    batch = try fields.require("batch", fields.integer("batch"))
    times = try fields.require("times", fields.numbers("times"))
    try checkRange("points", points, 0...WireLimits.points)
    guard !coordinates.isEmpty else { throw fields.mismatch("coordinates", "must be one or more names") }
    guard !times.isEmpty else { throw fields.mismatch("times", "must be one or more numbers") }
  }

  func append(to object: inout JSONObject) {
    object.append("sid", session)
    object.append("kind", Self.kind)
    var model = JSONObject()
    model.append("name", self.model)
    model.append("sha256", modelDigest)
    object.append("model", .object(model))
    object.append("geometry", geometry)
    object.append("coordinates", coordinates)
    object.append("dtype", PointsWish.format)
    object.append("seed", .integer(Int128(seed)))
    object.append("nfe", evaluations)
    object.append("points", points)
    object.append("batch", batch)
    object.append("times", .array(times.map(JSONValue.number)))
    tenancy.append(to: &object)
    object.append("format", PointsWish.format)
    object.append("mime", "application/octet-stream")
  }
}

/// Describes points whose coordinates are the body: little-endian float32, row-major.
public struct PointsHeader: Sendable, Equatable {
  /// The session.
  public let session: String
  /// The index of the message, from 0 without holes.
  public let sequence: Int
  /// The index of the first point in the stream.
  public let first: Int
  /// The extents of the body: [points, coordinates], or [points, times, coordinates] with the whole trajectory.
  public let shape: [Int]
  /// What each number of a point is.
  public let coordinates: [String]
  /// Milliseconds that generating took.
  public let generationMilliseconds: Double
  /// Whether these are the last points of a stream whose length was given.
  public let isLast: Bool

  /// Describes points.
  public init(
    session: String, sequence: Int, first: Int, shape: [Int], coordinates: [String],
    generationMilliseconds: Double, isLast: Bool
  ) {
    self.session = session
    self.sequence = sequence
    self.first = first
    self.shape = shape
    self.coordinates = coordinates
    self.generationMilliseconds = generationMilliseconds
    self.isLast = isLast
  }

  /// Bytes of a body of the shape; nil if there are too many to count.
  public var byteCount: Int? {
    shape.reduce(4 as Int?) { product, extent in
      guard let (next, overflow) = product?.multipliedReportingOverflow(by: extent) else { return nil }
      return overflow ? nil : next
    }
  }

  init(_ fields: FieldReader) throws(WireError) {
    session = try fields.require("sid", fields.string("sid"))
    sequence = try fields.require("seq", fields.integer("seq"))
    first = try fields.require("first", fields.integer("first"))
    shape = try fields.require("shape", fields.integers("shape"))
    guard (2...3).contains(shape.count), shape.allSatisfy({ $0 > 0 }) else {
      throw fields.mismatch("shape", "must be two or three positive integers")
    }
    coordinates = try fields.require("coordinates", fields.strings("coordinates"))
    generationMilliseconds = try fields.require("gen_ms", fields.number("gen_ms"))
    isLast = try fields.boolean("last") ?? false
    // What the body's bytes are compared with must be a number.
    guard byteCount != nil else { throw fields.mismatch("shape", "has more numbers than there can be") }
  }

  func append(to object: inout JSONObject) {
    object.append("sid", session)
    object.append("seq", sequence)
    object.append("first", first)
    object.append("dtype", PointsWish.format)
    object.append("shape", shape)
    object.append("coordinates", coordinates)
    object.append("gen_ms", generationMilliseconds)
    object.append("last", isLast)
  }
}
