// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import FlowTensor

/// Draws the time of a training example on the diagonal r = t.
public enum TimeSampler: Sendable, Equatable {
  /// Uniform on (0, 1).
  case uniform
  /// The logistic function of a normal number.
  case logitNormal(mean: Float, deviation: Float)

  /// `count` times, of which a share `atOne` is exactly 1: where a one-step generator lives.
  public func sample(_ count: Int, atOne: Float, _ random: inout Random) -> [Float] {
    let normal = random.normal([count]).elements, uniform = random.uniforms(count)
    let pinned = random.uniforms(count)
    return (0..<count).map { i in
      if pinned[i] < atOne { return 1 }
      switch self {
      case .uniform: return uniform[i]
      case .logitNormal(let mean, let deviation): return 1 / (1 + exp(-(mean + deviation * normal[i])))
      }
    }
  }
}

/// A jump of the shortcut family: from t over its midpoint s to r.
public struct DyadicJump: Sendable, Equatable {
  /// Where the jump lands.
  public let r: Float
  /// Halfway.
  public let s: Float
  /// Where it starts.
  public let t: Float

  /// One of the jumps of the schedules of 1, 2, …, 2^levels−1 equal steps, each level as likely as the others.
  public static func sample(levels: Int, _ random: inout Random) -> DyadicJump {
    let steps = 1 << random.integer(in: 0..<levels)
    let index = random.integer(in: 0..<steps)
    let t = 1 - Float(index) / Float(steps), r = 1 - Float(index + 1) / Float(steps)
    return DyadicJump(r: r, s: (t + r) / 2, t: t)
  }
}
