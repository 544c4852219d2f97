// SPDX-License-Identifier: Apache-2.0

internal import FlowManifolds
internal import FlowMaps

extension ObjectiveRecipe {
  /// The method on a manifold.
  ///
  /// - Parameter head: what the network's answer says, in flat space.
  func objective(on manifold: any Manifold, head: NetworkHead = .velocity) -> Objective {
    var objective = Objective(
      path: GeodesicPath(manifold), pairs: jumpPairs,
      target: jumpTarget(clip: clip ?? (manifold is Euclidean ? .infinity : 10)),
      weight: jumpWeight, diagonalWeight: diagonalWeight ?? 1)
    objective.weighsDiagonal = weighsDiagonal ?? false
    objective.lengths = lengthPower.map { LengthCurriculum(power: $0, of: jumpPairs) }
    objective.timeWeight = timeWeight ?? .none
    objective.times = curriculum
    objective.guidance = guidance?.guidance
    objective.splitsAnywhere = splitsAnywhere ?? false
    objective.leastTime = head == .data ? NetworkHead.leastTime : 0
    return objective
  }

  private var jumpPairs: JumpPairs {
    let share = diagonal ?? 0.75, law = { (mean: Double) in LogitNormal(mean: mean, deviation: 1) }
    switch pairs {
    case .diagonal: return .diagonal(timeLaw)
    case .everyRow: return .everyRow(atOne: atOne ?? 0)
    case .triangle: return .triangle(diagonal: share)
    case .logitNormal:
      let one = self.law ?? law(-0.4)
      return .logitNormal(one, otherLaw ?? one, diagonal: share)
    case .length: return .length(self.law ?? law(-0.8), landing: otherLaw ?? law(-0.4))
    case .dyadic: return .dyadic(levels: schedules ?? 7, diagonal: share)
    case .fromNoise: return .fromNoise
    case .levels: return .levels(levels ?? ConsistencyLevels(2, to: 150))
    case .toData: return .toData(gap: gap ?? 0.05, diagonal: share)
    case .allToData: return .allToData(self.law ?? LogitNormal(mean: -1, deviation: 1.4))
    }
  }

  private var timeLaw: TimeLaw {
    switch time ?? .uniform {
    case .uniform: .uniform
    case .logitNormal: .logitNormal(law ?? LogitNormal(mean: -0.4, deviation: 1))
    case .discrete: .discrete
    case .variancePreserving: .variancePreserving
    }
  }

  private func jumpTarget(clip: Float) -> (any JumpTarget)? {
    switch target {
    case .none: return nil
    case .lagrangian: return Lagrangian()
    case .lagrangianRegression: return LagrangianRegression(clip: clip)
    case .eulerian: return Eulerian(clip: clip)
    case .eulerianPublished: return Eulerian(pushforward: .projection, clip: clip)
    case .semigroup:
      // The shortest of the dyadic jumps is two steps that the diagonal teaches.
      return Semigroup(shortest: pairs == .dyadic ? 1 / Float(1 << (schedules ?? 7)) : 0)
    case .meanFlow: return meanFlow(.path, clip)
    case .meanFlowOwn: return meanFlow(.own, clip)
    case .improvedMeanFlow: return meanFlow(.derivativeOwn, clip)
    case .consistency: return Consistency()
    case .consistencyFlow: return Consistency(step: .flow)
    case .consistencyHeun: return Consistency(step: .heun)
    case .continuousConsistency:
      return ContinuousConsistency(
        deviation: NetworkHead.deviation, normalisation: tangents ?? TangentNormalisation(),
        derivative: derivative)
    case .alpha: return alpha(along: .path, clip)
    case .alphaOwn: return alpha(along: .own, clip)
    }
  }

  private var derivative: TimeDerivative {
    if let backward { return .backward(share: backward) }
    return difference.map { .difference(step: $0) } ?? .exact
  }

  private func meanFlow(_ motion: ManifoldMeanFlow.Motion, _ clip: Float) -> ManifoldMeanFlow {
    ManifoldMeanFlow(
      motion: motion, derivative: derivative, clip: clip,
      normalisation: tangents)
  }

  private var tangents: TangentNormalisation? {
    normalisation.map { TangentNormalisation(offset: $0.offset ?? 0.1, warmUp: $0.warmUp ?? 0.1) }
  }

  private func alpha(along motion: Alpha.Motion, _ clip: Float) -> any JumpTarget {
    if let share { return Alpha(share: share, motion: motion) }
    return AlphaFlow(fall ?? AlphaSchedule(from: 0.1, to: 0.7), motion: motion, clip: clip)
  }

  private var jumpWeight: JumpWeight {
    switch weight ?? .none {
    case .none: .none
    case .interval: .interval
    case .inverseSquareInterval: .inverseSquareInterval
    case .adaptive: .adaptive(power: power ?? 1, offset: offset ?? 0.01)
    case .logVariance: .logVariance
    case .cauchy: .cauchy
    }
  }
}

extension GuidanceRecipe {
  var guidance: Guidance {
    let times = (first ?? 0)...(last ?? 1)
    switch rule {
    case .mixture: return Guidance(.mixture(weight: weight, share: share ?? 0), times: times)
    case .own: return Guidance(.own(weight: weight), times: times)
    case .model: return Guidance(.model(weight: weight), times: times)
    case .classifierFree: return Guidance(.classifierFree(weight: weight), times: times)
    }
  }
}
