// SPDX-License-Identifier: Apache-2.0

internal import FlowWire

/// Points that are wanted.
public struct PointsRequest: Sendable, Equatable {
  let model: String
  let count: Int
  let evaluations: Int?
  let seed: UInt64?
  let batch: Int?
  let startTime: Double
  let endTime: Double
  let wantsTrajectory: Bool
  let start: PointFile?
  let record: String?
  let isObserved: Bool

  /// How many messages the server may be ahead.
  static let credit = 16

  /// Points of a model.
  ///
  /// - Parameters:
  ///   - count: how many; nil takes as many as there are start points.
  ///   - start: the points to start at, at time `startTime`.
  ///   - record: where the server shall keep the stream too, in its folder for recordings.
  ///   - isObserved: whether others may watch it.
  /// - Throws: ``ClientError`` of kind `usage`, in the protocol's words.
  public init(
    model: String, count: Int?, evaluations: Int? = nil, seed: UInt64? = nil, batch: Int? = nil,
    startTime: Double = 1, endTime: Double = 0, wantsTrajectory: Bool = false, start: PointFile? = nil,
    record: String? = nil, isObserved: Bool = false
  ) throws(ClientError) {
    guard let count = count ?? start?.count, count > 0 else {
      throw ClientError(.usage, "how many points? add -n COUNT, at least 1, or --start FILE")
    }
    self.model = model
    self.count = count
    self.evaluations = evaluations
    self.seed = seed
    self.batch = batch
    self.startTime = startTime
    self.endTime = endTime
    self.wantsTrajectory = wantsTrajectory
    self.start = start
    self.record = record
    self.isObserved = isObserved
    _ = try wireRequest()
  }

  /// What is sent to open the stream.
  func wireRequest() throws(ClientError) -> OpenRequest {
    do throws(WireError) {
      let points = try start.map { file throws(WireError) in
        try StartPoints(count: file.count, width: file.width, coordinates: file.numbers)
      }
      var open = try OpenRequest(
        model: model, seed: seed, credit: Self.credit,
        .points(
          PointsWish(
            points: count, evaluations: evaluations, batch: batch, startTime: startTime, endTime: endTime,
            wantsTrajectory: wantsTrajectory, start: points)))
      open.record = try record.map { path throws(WireError) in try RecordWish(path: path) }
      open.isObserved = isObserved
      return open
    } catch {
      throw ClientError(.usage, error.message)
    }
  }
}
