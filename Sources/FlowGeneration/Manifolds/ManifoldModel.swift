// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// What a client may know of a flow map on a manifold before it opens a stream.
public struct ManifoldModelDescription: Sendable, Equatable {
  /// The name of the bundle, which is the name of its folder.
  public let name: String
  /// SHA-256 of the weights file, in lower-case hexadecimal; empty where there is none.
  public let sha256: String
  /// Where its points lie.
  public let geometry: PointGeometry
  /// What each number of a point is.
  public let coordinates: [String]
  /// Where points without a start come from, in words.
  public let prior: String
  /// Network evaluations a point unless the client asks otherwise.
  public let defaultEvaluations: Int
  /// The most network evaluations a point that a client may ask for.
  public let maximumEvaluations: Int
  /// How weights are stored.
  public let precision: String
  /// The licence of the data the model was trained on.
  public let dataLicence: String
  /// Bytes of the weights file; 0 for a model without one.
  public let weightsByteCount: Int
  /// Bytes that the model holds once it is loaded, whatever the number of its streams; memory is taken in blocks up to an
  /// eighth larger.
  public let residentBytes: Int

  /// Describes a flow map.
  public init(
    name: String, sha256: String, geometry: PointGeometry, coordinates: [String], prior: String,
    defaultEvaluations: Int, maximumEvaluations: Int, precision: String, dataLicence: String,
    weightsByteCount: Int = 0, residentBytes: Int = 0
  ) {
    self.weightsByteCount = weightsByteCount
    self.residentBytes = residentBytes
    self.name = name
    self.sha256 = sha256
    self.geometry = geometry
    self.coordinates = coordinates
    self.prior = prior
    self.defaultEvaluations = defaultEvaluations
    self.maximumEvaluations = maximumEvaluations
    self.precision = precision
    self.dataLicence = dataLicence
  }

  /// Bytes that a stream with these options holds: known before it is opened.
  public func byteCount(of options: PointStreamOptions) -> Int {
    let times = options.wantsTrajectory ? options.walk.evaluations + 1 : 1
    return 4 * (options.batch * times * geometry.ambient + (options.start?.count ?? 0))
  }
}

/// Which way points go: from time `start` down to time `end`, 1 being the prior and 0 the data, in equal steps.
public struct PointWalk: Sendable, Hashable {
  /// The time that points start at.
  public let start: Float
  /// The time that they are taken to, at most `start`.
  public let end: Float
  /// Network evaluations a point.
  public let evaluations: Int

  /// A walk from the prior to the data unless said otherwise.
  public init(start: Float = 1, end: Float = 0, evaluations: Int) {
    precondition(
      end >= 0 && end <= start && start <= 1 && evaluations > 0,
      "PointWalk: \(start) to \(end) in \(evaluations)")
    self.start = start
    self.end = end
    self.evaluations = evaluations
  }

  /// The time after `step` evaluations.
  public func time(_ step: Int) -> Float {
    step == evaluations ? end : start + (end - start) * (Float(step) / Float(evaluations))
  }
}

/// How a stream of points begins.
public struct PointStreamOptions: Sendable {
  /// Decides everything random in the stream.
  public var seed: UInt64
  /// Which way points go.
  public var walk: PointWalk
  /// How many points; nil goes on for ever.
  public var count: Int?
  /// Points that come together; does not decide which points come.
  public var batch: Int
  /// Whether points at every time of the walk are wanted.
  public var wantsTrajectory: Bool
  /// The points to start at, one after the other; nil draws them from the prior.
  public var start: [Float]?

  /// Options for a stream.
  public init(
    seed: UInt64, walk: PointWalk, count: Int?, batch: Int, wantsTrajectory: Bool = false,
    start: [Float]? = nil
  ) {
    self.seed = seed
    self.walk = walk
    self.count = count
    self.batch = batch
    self.wantsTrajectory = wantsTrajectory
    self.start = start
  }
}

/// Points that came together.
public struct PointBatch: Sendable, Equatable {
  /// The index of the first of them in the stream.
  public let first: Int
  /// [points, coordinates], or [points, times, coordinates] with the whole trajectory.
  public let shape: [Int]
  /// The coordinates as float32, row-major.
  public let bytes: [UInt8]

  /// Points from index `first` on.
  public init(first: Int, shape: [Int], bytes: [UInt8]) {
    self.first = first
    self.shape = shape
    self.bytes = bytes
  }
}

/// A loaded flow map on a manifold: what the scheduler drives.
///
/// A model is called from one compute thread; its streams never leave that thread.
public protocol ManifoldModel: AnyObject {
  /// What the model is; constant for its life.
  var description: ManifoldModelDescription { get }

  /// Begins a stream. The options have been checked against `description`.
  func makeStream(_ options: PointStreamOptions) -> any PointStream
}

/// The state of one stream of a ``ManifoldModel``.
public protocol PointStream: AnyObject {
  /// Works on the next batch until it is done or `budget` has passed, and returns it when it is done.
  ///
  /// A batch may be large and its walk long; the stream goes on where it stopped, and what comes does not depend on
  /// where that was.
  ///
  /// - Throws: ``AdvanceError`` when a coordinate is not finite, or when somebody has cancelled, which is looked at
  ///   between runs of the worker team; what is done of the batch by then is kept.
  func advance(for budget: Duration, unless cancellation: Cancellation) throws(AdvanceError) -> PointBatch?

  /// Bytes that the stream holds beside the model, and a copy of it as many again.
  var byteCount: Int { get }

  /// A stream that goes on like this one to the bit, also within a batch, and on its own: neither touches the other.
  ///
  /// Costs `byteCount` bytes and the time to copy them.
  func copy() -> any PointStream

  /// Makes points that have not begun those of another seed; where starts are given, nothing is random and this changes
  /// nothing.
  func reseed(_ seed: UInt64)
}
