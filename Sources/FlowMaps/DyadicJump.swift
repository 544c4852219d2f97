// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

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
