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
  /// - Parameters:
  ///   - conditional: v_c, which is evaluated where the rule wants it.
  ///   - unconditional: v_u, likewise.
  ///   - t: times of the rows, shaped to broadcast against v.
  ///   - rows: what each row asks for in place of the rule's own scale and times; only ``Rule/own(weight:)`` hears it.
  public func velocity(
    _ v: Variable, conditional: () -> Variable, unconditional: () -> Variable, at t: Variable,
    rows: RowGuidance? = nil
  ) -> Variable {
    let v = v.detached, guided: Variable
    switch rule {
    case .mixture(let weight, let share):
      let rest = Float(1 - weight - share)
      guided = Float(weight) * v + Float(share) * conditional().detached + rest * unconditional().detached
    case .own(let weight):
      let scale = rows?.scale ?? Variable(Float(weight))
      guided = v + (1 - 1 / scale) * (conditional() - unconditional()).detached
    case .model(let weight): guided = v + Float(weight) * (conditional() - unconditional()).detached
    case .classifierFree(let weight):
      guided = Float(weight) * v + Float(1 - weight) * unconditional().detached
    }
    let early = Variable.greater(rows?.first ?? Variable(Float(times.lowerBound)), t)
    let late = Variable.greater(t, rows?.last ?? Variable(Float(times.upperBound)))
    let outside = Variable.maximum(early, late)
    return outside * v + (1 - outside) * guided
  }
}

/// What rows ask of guidance, [count, 1] each, where a network is told of it (improved MeanFlow, 2512.02012).
public struct RowGuidance {
  /// ω.
  public var scale: Variable
  /// The first time that is guided.
  public var first: Variable
  /// The last.
  public var last: Variable

  /// What rows ask for.
  public init(scale: Variable, first: Variable, last: Variable) {
    (self.scale, self.first, self.last) = (scale, first, last)
  }

  /// Some of the rows.
  public func rows(_ range: Range<Int>) -> RowGuidance {
    let part = { (x: Variable) in x.slice(axis: 0, range) }
    return RowGuidance(scale: part(scale), first: part(first), last: part(last))
  }
}
