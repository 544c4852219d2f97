// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowTensor

/// How a velocity that is learnt is bent towards its class, so that one evaluation samples what classifier-free guidance
/// would need two for.
///
/// The target is made of the velocity v of the path and of what the model itself says with the class, v_c, and without, v_u.
/// A model that has learnt it says ω·v_c + (1 − ω)·v_u of the true ones, with ω the ``scale``.
public struct Guidance: Sendable, Equatable {
  /// The published ways.
  public enum Rule: Sendable, Equatable {
    /// w·v + κ·v_c + (1 − w − κ)·v_u (MeanFlow, AlphaFlow).
    case mixture(weight: Double, share: Double)
    /// v + (1 − 1/w)·(v_c − v_u) (improved and pixel MeanFlow).
    case own(weight: Double)
    /// v + w·(v_c − v_u), w below 1 (decoupled MeanFlow, meta flow maps).
    case model(weight: Double)
    /// w·v + (1 − w)·v_u (TVM).
    case classifierFree(weight: Double)
  }

  /// The way.
  public var rule: Rule
  /// The times that it is done at; elsewhere the target is v.
  public var times: ClosedRange<Double>

  /// A way, at some times.
  public init(_ rule: Rule, times: ClosedRange<Double> = 0...1) {
    switch rule {
    case .mixture(_, let share): precondition(share < 1, "Guidance: a share of \(share)")
    case .own(let weight): precondition(weight >= 1, "Guidance: a weight of \(weight)")
    case .model(let weight): precondition(weight < 1, "Guidance: a weight of \(weight)")
    case .classifierFree: break
    }
    self.rule = rule
    self.times = times
  }

  /// ω, the scale of classifier-free guidance that a model ends with.
  public var scale: Double {
    switch rule {
    case .mixture(let weight, let share): weight / (1 - share)
    case .own(let weight): weight
    case .model(let weight): 1 / (1 - weight)
    case .classifierFree(let weight): weight
    }
  }

  /// The target, a constant.
  ///
  /// - Parameter t: times of the rows, shaped to broadcast against v.
  public func velocity(
    _ v: Variable, conditional: Variable, unconditional: Variable, at t: Variable
  ) -> Variable {
    let (v, vc, vu) = (v.detached, conditional.detached, unconditional.detached), guided: Variable
    switch rule {
    case .mixture(let weight, let share):
      guided = Float(weight) * v + Float(share) * vc + Float(1 - weight - share) * vu
    case .own(let weight): guided = v + Float(1 - 1 / weight) * (vc - vu)
    case .model(let weight): guided = v + Float(weight) * (vc - vu)
    case .classifierFree(let weight): guided = Float(weight) * v + Float(1 - weight) * vu
    }
    let early = Variable.greater(Variable(Float(times.lowerBound)), t)
    let outside = Variable.maximum(early, Variable.greater(t, Variable(Float(times.upperBound))))
    return outside * v + (1 - outside) * guided
  }
}
