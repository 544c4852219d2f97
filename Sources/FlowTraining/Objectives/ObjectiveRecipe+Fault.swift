// SPDX-License-Identifier: Apache-2.0

internal import FlowMaps

extension ObjectiveRecipe {
  /// Two parts that do not go together and why, or a number that cannot be, or nil.
  ///
  /// - Parameter hasKnownVelocity: whether a trained model's velocity is given.
  func fault(hasKnownVelocity: Bool = false) -> String? {
    mismatch(hasKnownVelocity) ?? number
  }

  private func mismatch(_ hasKnownVelocity: Bool) -> String? {
    if target == .none, pairs != .diagonal {
      return "target none learns no jumps, and pairs \(pairs.rawValue) draws some; use pairs diagonal"
    }
    if target != .none, pairs == .diagonal {
      return "target \(target.rawValue) compares jumps, and pairs diagonal draws none; use pairs everyRow"
    }
    if target == .continuousConsistency, pairs != .allToData {
      return
        "target continuousConsistency lands at 0 alone, and pairs \(pairs.rawValue) elsewhere; use pairs allToData"
    }
    let isDiscrete = isConsistency && target != .continuousConsistency
    if isDiscrete, pairs != .toData, pairs != .levels {
      return
        "target \(target.rawValue) starts a little before t, and pairs \(pairs.rawValue) half way; use pairs toData"
    }
    if !isDiscrete, pairs == .levels {
      return
        "pairs levels go from level to level, and target \(target.rawValue) half way; use target consistency"
    }
    if target == .consistencyFlow || target == .consistencyHeun, pairs == .levels, !hasKnownVelocity {
      return
        "target \(target.rawValue) steps along the velocity, and pairs levels learn none; use pairs toData or give a teacher"
    }
    if target == .lagrangian || target == .eulerian || target == .lagrangianRegression,
      pairs == .fromNoise || pairs == .allToData, !hasKnownVelocity
    {
      return
        "target \(target.rawValue) wants the velocity, and pairs \(pairs.rawValue) learn none; use pairs everyRow or give a teacher"
    }
    let isAlpha = target == .alpha || target == .alphaOwn
    if !isAlpha, share != nil || fall != nil {
      return "share and fall are AlphaFlow's, and target \(target.rawValue) has none; use target alpha"
    }
    if share != nil, fall != nil { return "share is held and fall lets it fall; give one of them" }
    if time != nil, pairs != .diagonal {
      return "time is the law of pairs diagonal, and pairs \(pairs.rawValue) have their own; give law"
    }
    if difference != nil, backward != nil {
      return "difference looks both ways and backward to what was before; give one of them"
    }
    if difference ?? backward != nil,
      ![.meanFlow, .meanFlowOwn, .improvedMeanFlow, .continuousConsistency].contains(target)
    {
      return
        "difference and backward are for a derivative along the flow, and target \(target.rawValue) has none; use target meanFlow"
    }
    if splitsAnywhere == true, target != .semigroup {
      return "splitsAnywhere is the semigroup's, and target \(target.rawValue) splits nothing; remove it"
    }
    if guidance != nil, hasKnownVelocity {
      return "guidance bends the path's velocity, and a teacher's is learnt; give guidance under teacher"
    }
    return nil
  }

  private var number: String? {
    let finite = [
      power, offset, diagonalWeight.map(Double.init), clip.map(Double.init), lengthPower,
      difference.map(Double.init), guidance?.weight, guidance?.share,
    ]
    let checks: [(Bool, String)] = [
      (
        [law, otherLaw].allSatisfy { $0?.isUsable ?? true },
        "law and otherLaw want a mean and a positive deviation"
      ),
      (
        finite.allSatisfy { $0?.isFinite ?? true },
        "power, offset, clip, diagonalWeight, lengthPower, difference and guidance must be finite"
      ),
      ((0..<1).contains(diagonal ?? 0.75), "diagonal must lie in 0..<1"),
      ((0...1).contains(atOne ?? 0), "atOne must lie in 0…1"),
      ((1...16).contains(schedules ?? 7), "schedules must lie in 1…16"),
      (
        levels.map { (2...10_000).contains($0.first) && ($0.first...10_000).contains($0.last ?? $0.first) }
          ?? true,
        "levels want a first of 2…10000 and a last that is no less"
      ),
      ((lengthPower ?? 1) > 0, "lengthPower must be positive"),
      (
        curriculum.map { $0.clusters > 0 && $0.last > 0 && $0.last <= 1 } ?? true,
        "curriculum wants clusters, and a last in 0…1"
      ),
      ((share ?? 1) > 0 && (share ?? 1) <= 1, "share must lie above 0 and at most at 1"),
      (
        fall.map { $0.last > $0.first && (0..<0.5).contains($0.clamp) } ?? true,
        "fall must end after it begins"
      ),
      ((gap ?? 0.05) > 0 && (gap ?? 0.05) < 1, "gap must lie between 0 and 1"),
      ((power ?? 1) >= 0, "power must not be negative"),
      ((offset ?? 0.01) > 0, "offset must be positive"),
      ((clip ?? 10) > 0, "clip must be positive"),
      ((difference ?? 1) > 0, "difference must be positive"),
      ((backward ?? 1) > 0 && (backward ?? 1) <= 1, "backward must lie above 0 and at most at 1"),
      ((normalisation?.offset ?? 0.1) > 0, "normalisation.offset must be positive"),
      ((0...1).contains(normalisation?.warmUp ?? 0.1), "normalisation.warmUp must lie in 0…1"),
      ((diagonalWeight ?? 1) >= 0, "diagonalWeight must not be negative"),
    ]
    return checks.first { !$0.0 }?.1 ?? guidance?.fault.map { "guidance.\($0)" }
  }
}

extension GuidanceRecipe {
  fileprivate var fault: String? {
    let checks: [(Bool, String)] = [
      ((share == nil) == (rule != .mixture), "share is κ of the mixture, which wants one"),
      ((share ?? 0) < 1, "share must be below 1"),
      (rule != .own || weight >= 1, "weight of rule own must be 1 or more"),
      (rule != .model || weight < 1, "weight of rule model must be below 1"),
      ((first ?? 0) <= (last ?? 1), "first must not be after last"),
    ]
    return checks.first { !$0.0 }?.1
  }
}

extension LogitNormal {
  fileprivate var isUsable: Bool { mean.isFinite && deviation.isFinite && deviation > 0 }
}
