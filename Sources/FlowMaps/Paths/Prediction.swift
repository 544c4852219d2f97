// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff

/// What a model of a path says of a state z = a·x + b·e; each is an affine function of any other.
public enum Prediction: String, Sendable, Codable, CaseIterable {
  /// D = E[x given z].
  case data
  /// E = E[e given z].
  case noise
  /// v = a′·D + b′·E, the velocity of the flow.
  case velocity
  /// ∇ log p(z) = −E/b.
  case score

  /// This prediction's value as what it says of data and noise, D and E.
  ///
  /// At the ends of a path some are not to be had: the data from the noise where a = 0, anything from the score or the
  /// noise from the data where b = 0.
  public func parts(_ value: Variable, state z: Variable, at p: PathPlace) -> (
    data: Variable, noise: Variable
  ) {
    switch self {
    case .data: return (value, (z - Float(p.data) * value) / Float(p.noise))
    case .noise: return ((z - Float(p.noise) * value) / Float(p.data), value)
    case .score:
      return Prediction.noise.parts(Float(-p.noise) * value, state: z, at: p)
    case .velocity:
      let determinant = p.data * p.noiseSlope - p.dataSlope * p.noise
      let solve = { (ofState: Double, ofVelocity: Double) in
        Float(ofState / determinant) * z + Float(ofVelocity / determinant) * value
      }
      return (solve(p.noiseSlope, -p.noise), solve(-p.dataSlope, p.data))
    }
  }

  /// This prediction from what is said of data and noise.
  public func value(data: Variable, noise: Variable, at p: PathPlace) -> Variable {
    switch self {
    case .data: data
    case .noise: noise
    case .velocity: Float(p.dataSlope) * data + Float(p.noiseSlope) * noise
    case .score: Float(-1 / p.noise) * noise
    }
  }

  /// The squared error of this prediction, divided by that of the velocity of the linear path at the same ratio of noise
  /// to data: what a loss on this prediction weighs the times by.
  public func weight(at p: PathPlace) -> Double {
    let τ = p.linearTime
    switch self {
    case .data: return τ * τ
    case .noise: return (1 - τ) * (1 - τ)
    case .score: return (1 - τ) * (1 - τ) / (p.noise * p.noise)
    case .velocity:
      // An error δ of v on the linear path is −τδ of D and (1 − τ)δ of E.
      let factor = (1 - τ) * p.noiseSlope - τ * p.dataSlope
      return factor * factor
    }
  }
}
