// SPDX-License-Identifier: Apache-2.0

/// Where a Gaussian path is at one time: z = a·x + b·e, moving with a′·x + b′·e.
public struct PathPlace: Sendable, Equatable {
  /// a, what the data count.
  public var data: Double
  /// b, what the noise counts.
  public var noise: Double
  /// a′, by the path's own time.
  public var dataSlope: Double
  /// b′.
  public var noiseSlope: Double

  /// A place, all given.
  public init(data: Double, noise: Double, dataSlope: Double, noiseSlope: Double) {
    (self.data, self.noise, self.dataSlope, self.noiseSlope) = (data, noise, dataSlope, noiseSlope)
  }

  /// The time of the linear path with this ratio of noise to data: b/(a + b).
  public var linearTime: Double { noise / (data + noise) }
  /// What a state is multiplied by to lie on the linear path: 1/(a + b).
  public var linearScale: Double { 1 / (data + noise) }
}

/// A way from data x to noise e that mixes the two, z_t = a(t)·x + b(t)·e, with time that grows towards noise.
///
/// All such paths are the linear one with another clock and another scale: the state z of a time t is (a + b) times the
/// state of the linear path at b/(a + b). So a model of one path is a model of all.
public protocol GaussianPath: Sendable {
  /// From the least noise to the most.
  var times: ClosedRange<Double> { get }
  /// Where the path is at a time.
  func place(at t: Double) -> PathPlace
}

extension GaussianPath {
  /// The time whose ratio of noise to data is that of the linear path's time τ; the nearest one, where the path has none.
  public func time(ofLinear τ: Double) -> Double {
    var (least, most) = (times.lowerBound, times.upperBound)
    // 64 halvings: as near as a Double can say.
    for _ in 0..<64 {
      let middle = (least + most) / 2
      if place(at: middle).linearTime < τ { least = middle } else { most = middle }
    }
    return (least + most) / 2
  }
}

/// a = 1 − t, b = t: the path of flow matching, and the one that all others are turned into.
public struct StraightPath: GaussianPath {
  /// The path.
  public init() {}
  /// 0…1.
  public var times: ClosedRange<Double> { 0...1 }
  /// Where the path is at a time.
  public func place(at t: Double) -> PathPlace {
    PathPlace(data: 1 - t, noise: t, dataSlope: -1, noiseSlope: 1)
  }
}
