// SPDX-License-Identifier: Apache-2.0

/// What is wanted of a flow map on a manifold: how many points, from where, in how many evaluations.
///
/// Time runs from 0, the data, to 1, the prior. A stream takes points from time `t` down to time `s`.
public struct PointsWish: Sendable, Equatable {
  /// How many points; 0 goes on until the stream is closed.
  public let points: Int
  /// Network evaluations a point; nil takes the model's default.
  public let evaluations: Int?
  /// Points in a message; nil lets the server choose. Never decides which points come.
  public let batch: Int?
  /// The time that the points start at.
  public let startTime: Double
  /// The time that they are taken to.
  public let endTime: Double
  /// Whether the points at every time of the walk are sent, start and end included, instead of the last alone.
  public let wantsTrajectory: Bool
  /// The points to start at; nil draws them from the model's prior by the seed.
  public internal(set) var start: StartPoints?

  /// The fields of an `open` that only a manifold understands.
  static let fields = ["points", "nfe", "batch", "t", "s", "trajectory", "start"]
  /// The only format of points.
  public static let format = "float32"

  /// Points without end, as the model makes them.
  public static let plain = PointsWish()

  private init() {
    (points, evaluations, batch, startTime, endTime, wantsTrajectory, start) = (0, nil, nil, 1, 0, false, nil)
  }

  /// Checks a wish; an error names the field.
  public init(
    points: Int = 0, evaluations: Int? = nil, batch: Int? = nil, startTime: Double = 1, endTime: Double = 0,
    wantsTrajectory: Bool = false, start: StartPoints? = nil
  ) throws(WireError) {
    try checkRange("points", points, 0...WireLimits.points)
    if let evaluations { try checkRange("nfe", evaluations, 1...WireLimits.evaluations) }
    if let batch { try checkRange("batch", batch, 1...WireLimits.batch) }
    try checkRange("t", startTime, 0...1)
    try checkRange("s", endTime, 0...1)
    guard endTime <= startTime else {
      throw .badRequest(
        "s",
        "s is \(endTime) and t is \(startTime): a flow map takes points from t down to s, 1 being the prior and "
          + "0 the data; exchange them")
    }
    if let start, points != 0, points != start.count {
      throw .badRequest(
        "points",
        "points is \(points), and start has \(start.count) points; leave points out, or make them equal")
    }
    self.points = start?.count ?? points
    self.evaluations = evaluations
    self.batch = batch
    self.startTime = startTime
    self.endTime = endTime
    self.wantsTrajectory = wantsTrajectory
    self.start = start
  }

  init(_ fields: FieldReader, body: [UInt8]?) throws(WireError) {
    try checkFormat(fields)
    var start: StartPoints?
    if let description = try fields.reader("start") {
      start = try StartPoints(description, body: body)
    } else if body != nil {
      throw .badRequest("start", "part 1 came without a description; add start {dtype, shape}")
    }
    try self.init(
      points: fields.integer("points") ?? 0, evaluations: fields.integer("nfe"),
      batch: fields.integer("batch"),
      startTime: fields.number("t") ?? 1, endTime: fields.number("s") ?? 0,
      wantsTrajectory: fields.boolean("trajectory") ?? false, start: start)
  }

  func append(to object: inout JSONObject) {
    object.append("points", points)
    object.append("nfe", evaluations)
    object.append("batch", batch)
    object.append("t", startTime)
    object.append("s", endTime)
    object.append("trajectory", wantsTrajectory)
    object.append("start", (start?.json).map(JSONValue.object))
  }
}

private func checkFormat(_ fields: FieldReader) throws(WireError) {
  guard let format = try fields.reader("format") else { return }
  let kind = try format.require("kind", format.string("kind"))
  guard kind == PointsWish.format else {
    throw WireError(
      .unsupportedFormat, "format.kind \"\(kind)\" is not made of points; take \(PointsWish.format)",
      field: "format.kind")
  }
}
