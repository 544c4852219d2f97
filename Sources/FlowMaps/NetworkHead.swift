// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowTensor

/// What a network's answer f at (z, r, t) says of a flow in flat space, on the linear path.
///
/// Heads are one another's affine functions: they differ in what an answer of a given size means at each time.
public enum NetworkHead: String, Sendable, Codable, CaseIterable {
  /// u = f.
  case velocity
  /// f is a picture: u = (z − f)/max(t, 0.05) (pixel MeanFlow, 2601.22158).
  case data
  /// f is the noise: u = (f − z)/(1 − t) (DDPM).
  case noise
  /// f is the score times the deviation t of the noise: u = −(f + z)/(1 − t) (score matching).
  case score
  /// X_{t→0}(z) = c_skip·y + c_out·f with y = z/(1 − t) and σ = t/(1 − t), the identity at the least σ (consistency models,
  /// 2303.01469).
  case consistency
  /// f is F of TrigFlow (sCM, 2410.11081).
  case trigonometric

  /// The least t that the head for data divides by.
  public static let leastTime: Float = 0.05
  /// The deviation that data are taken to have by heads that want one.
  public static let deviation: Float = 0.5

  /// u(z, r, t) of an answer.
  public func velocity(_ f: Variable, at z: Variable, t: Variable) -> Variable {
    switch self {
    case .velocity: return f
    case .data: return (z - f) / Variable.maximum(t, Variable(Self.leastTime))
    case .noise: return (f - z) / Self.rest(of: t)
    case .score: return (f + z) / -Self.rest(of: t)
    case .consistency: return Self.consistent(f, z, t)
    case .trigonometric:
      return TrigonometricAngle(t, deviation: Self.deviation).velocity(answer: f, at: z)
    }
  }

  /// 1 − t, but not 0.
  private static func rest(of t: Variable) -> Variable { Variable.maximum(1 - t, Variable(1e-3)) }

  /// With d the data's deviation and σ₀ the least level, c_skip = d²/((σ − σ₀)² + d²), c_out = d(σ − σ₀)/√(d² + σ²).
  private static func consistent(_ f: Variable, _ z: Variable, _ t: Variable) -> Variable {
    let d = deviation, least = Float(0.002), rest = rest(of: t)
    let σ = t / rest, above = σ - least
    let skip = (d * d) / (above.map(.square) + d * d)
    let out = (d * above) / (σ.map(.square) + d * d).map(.sqrt)
    return (z - skip * (z / rest) - out * f) / Variable.maximum(t, Variable(1e-4))
  }
}
