// SPDX-License-Identifier: Apache-2.0

public import FlowTensor

/// The law of the time of an example.
public enum TimeLaw: Sendable, Equatable {
  /// Uniform.
  case uniform
  /// The logistic function of a normal number. Levels of noise σ = t/(1 − t) whose logarithm is normal, as in EDM, iCT and
  /// sCM, are the same law.
  case logitNormal(LogitNormal)
  /// The steps 1…1000 of DDPM, each as likely, as times of the linear path.
  case discrete
  /// The times of the variance-preserving diffusion, uniform on its own clock, as times of the linear path.
  case variancePreserving

  /// Times keep this far from 0 and 1: quotients stay finite in float32.
  public static let least: Float = 1e-4

  /// `count` times.
  public func sample(_ count: Int, _ random: inout Random) -> [Float] {
    switch self {
    case .uniform: return random.uniforms(count).map { Self.least + (1 - 2 * Self.least) * $0 }
    case .logitNormal(let law): return law.sample(count, &random)
    case .discrete:
      let path = DiscretePath(), steps = path.times.upperBound
      return random.uniforms(count).map { draw in
        Float(path.place(at: min(steps, (Double(draw) * steps).rounded(.down) + 1)).linearTime)
      }
    case .variancePreserving:
      let path = VariancePreservingPath(), (least, most) = (path.times.lowerBound, path.times.upperBound)
      return random.uniforms(count).map { draw in
        max(Self.least, Float(path.place(at: least + Double(draw) * (most - least)).linearTime))
      }
    }
  }
}
