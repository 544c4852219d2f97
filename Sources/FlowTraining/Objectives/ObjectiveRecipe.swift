// SPDX-License-Identifier: Apache-2.0

internal import FlowManifolds
public import FlowMaps

/// The parts that an ``FlowMaps/Objective`` is made of, by name.
public struct ObjectiveRecipe: Sendable, Codable, Equatable {
  /// What jumps are compared with.
  public enum Target: String, Sendable, NamedChoice {
    /// There are no jumps: Riemannian flow matching.
    case none
    case lagrangian, eulerian, semigroup
    /// The Lagrangian equation as a regression.
    case lagrangianRegression
    /// The published code's Eulerian loss, which has a defect: to compare.
    case eulerianPublished
    case meanFlow
    /// MeanFlow along the model's own velocity.
    case meanFlowOwn
    case consistency
    /// Consistency with a step of the teacher's flow in place of the path.
    case consistencyFlow
    /// AlphaFlow along the path's velocity.
    case alpha
    /// AlphaFlow along the model's own velocity.
    case alphaOwn
  }

  /// The times that are learnt at.
  public enum Pairs: String, Sendable, NamedChoice {
    case diagonal, everyRow, triangle, logitNormal, length, levels, toData
  }

  /// What a jump's error counts.
  public enum Weight: String, Sendable, NamedChoice {
    case none, interval, inverseSquareInterval, adaptive
  }

  /// The weights that targets are made with.
  public enum Teacher: String, Sendable, NamedChoice {
    /// The network's own.
    case own
    /// Their moving average.
    case average
  }

  /// What jumps are compared with.
  public var target: Target
  /// The weights that targets are made with; the network's own if absent.
  public var teacher: Teacher?
  /// The times that are learnt at.
  public var pairs: Pairs
  /// The share of jumps that start at t = 1, for pairs everyRow; 0 if absent.
  public var atOne: Double?
  /// The share of rows on the diagonal, for pairs that part rows; 0.75 if absent.
  public var diagonal: Double?
  /// The law of a time for pairs logitNormal, by default with the mean −0.4; of the length of a jump for pairs length, by
  /// default with the mean −0.8. Deviations are 1 by default.
  public var law: LogitNormal?
  /// The law of the other time for pairs logitNormal, by default the same; of where a jump lands for pairs length, by
  /// default with the mean −0.4.
  public var otherLaw: LogitNormal?
  /// The levels of noise for pairs levels; from 2 to 151 if absent.
  public var levels: ConsistencyLevels?
  /// How far before t a consistency target starts, as a share of t; 0.05 if absent.
  public var gap: Double?
  /// AlphaFlow's share of the way at a known velocity, held through the training; absent where it falls.
  public var share: Double?
  /// AlphaFlow's share falls from 1 to 0, where it becomes MeanFlow: between these two shares of the training; 0.1 and 0.7
  /// if absent.
  public var fall: AlphaSchedule?
  /// What a jump's error counts; 1 if absent.
  public var weight: Weight?
  /// The power of adaptive weights; 1 if absent.
  public var power: Double?
  /// The offset of adaptive weights; 0.01 if absent.
  public var offset: Double?
  /// The greatest length of what targets with derivatives in space bring along; 10 if absent.
  public var clip: Float?
  /// What the diagonal counts against jumps; 1 if absent.
  public var diagonalWeight: Float?
  /// What an error of the velocity counts by its time; 1 if absent.
  public var timeWeight: DiagonalWeight?
  /// The power k of the curriculum of lengths, which lets short jumps count more at first; none if absent.
  public var lengthPower: Double?
  /// Which times of the diagonal are learnt when; all throughout if absent.
  public var times: TimeCurriculum?

  /// Two parts that do not go together and why, or a number that cannot be, or nil.
  var fault: String? {
    if target == .none, pairs != .diagonal {
      return "target none learns no jumps, and pairs \(pairs.rawValue) draws some; use pairs diagonal"
    }
    if target != .none, pairs == .diagonal {
      return "target \(target.rawValue) compares jumps, and pairs diagonal draws none; use pairs everyRow"
    }
    let isConsistency = target == .consistency || target == .consistencyFlow
    if isConsistency, pairs != .toData, pairs != .levels {
      return
        "target \(target.rawValue) starts a little before t, and pairs \(pairs.rawValue) half way; use pairs toData"
    }
    if !isConsistency, pairs == .levels {
      return
        "pairs levels go from level to level, and target \(target.rawValue) half way; use target consistency"
    }
    if target == .consistencyFlow, pairs == .levels {
      return "target consistencyFlow steps along the velocity, and pairs levels learn none; use pairs toData"
    }
    let isAlpha = target == .alpha || target == .alphaOwn
    if !isAlpha, share != nil || fall != nil {
      return "share and fall are AlphaFlow's, and target \(target.rawValue) has none; use target alpha"
    }
    if share != nil, fall != nil { return "share is held and fall lets it fall; give one of them" }
    let checks: [(Bool, String)] = [
      (
        [law, otherLaw].allSatisfy { $0?.isUsable ?? true },
        "law and otherLaw want a mean and a positive deviation"
      ),
      (
        [power, offset, diagonalWeight.map(Double.init), clip.map(Double.init), lengthPower].allSatisfy {
          $0?.isFinite ?? true
        }, "power, offset, clip, diagonalWeight and lengthPower must be finite"
      ),
      ((0..<1).contains(diagonal ?? 0.75), "diagonal must lie in 0..<1"),
      ((0...1).contains(atOne ?? 0), "atOne must lie in 0…1"),
      (
        levels.map { (2...10_000).contains($0.first) && ($0.first...10_000).contains($0.last ?? $0.first) }
          ?? true,
        "levels want a first of 2…10000 and a last that is no less"
      ),
      ((lengthPower ?? 1) > 0, "lengthPower must be positive"),
      (
        times.map { $0.clusters > 0 && $0.last > 0 && $0.last <= 1 } ?? true,
        "times want clusters, and a last in 0…1"
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
      ((diagonalWeight ?? 1) >= 0, "diagonalWeight must not be negative"),
    ]
    return checks.first { !$0.0 }?.1
  }

  func objective(on manifold: any Manifold) -> Objective {
    var objective = Objective(
      path: GeodesicPath(manifold), pairs: jumpPairs, target: jumpTarget, weight: jumpWeight,
      diagonalWeight: diagonalWeight ?? 1)
    objective.lengths = lengthPower.map { LengthCurriculum(power: $0, of: jumpPairs) }
    objective.timeWeight = timeWeight ?? .none
    objective.times = times
    return objective
  }

  private var jumpPairs: JumpPairs {
    let share = diagonal ?? 0.75
    switch pairs {
    case .diagonal: return .diagonal
    case .everyRow: return .everyRow(atOne: atOne ?? 0)
    case .triangle: return .triangle(diagonal: share)
    case .logitNormal:
      let law = law ?? LogitNormal(mean: -0.4, deviation: 1)
      return .logitNormal(law, otherLaw ?? law, diagonal: share)
    case .length:
      return .length(
        law ?? LogitNormal(mean: -0.8, deviation: 1),
        landing: otherLaw ?? LogitNormal(mean: -0.4, deviation: 1))
    case .levels: return .levels(levels ?? ConsistencyLevels(2, to: 150))
    case .toData: return .toData(gap: gap ?? 0.05, diagonal: share)
    }
  }

  private var jumpTarget: (any JumpTarget)? {
    let clip = clip ?? 10
    switch target {
    case .none: return nil
    case .lagrangian: return Lagrangian()
    case .lagrangianRegression: return LagrangianRegression(clip: clip)
    case .eulerian: return Eulerian(clip: clip)
    case .eulerianPublished: return Eulerian(pushforward: .projection, clip: clip)
    case .semigroup: return Semigroup()
    case .meanFlow: return ManifoldMeanFlow(motion: .path, clip: clip)
    case .meanFlowOwn: return ManifoldMeanFlow(motion: .own, clip: clip)
    case .consistency: return Consistency()
    case .consistencyFlow: return Consistency(step: .flow)
    case .alpha: return alpha(along: .path)
    case .alphaOwn: return alpha(along: .own)
    }
  }

  private func alpha(along motion: ManifoldMeanFlow.Motion) -> any JumpTarget {
    if let share { return Alpha(share: share, motion: motion) }
    return AlphaFlow(fall ?? AlphaSchedule(from: 0.1, to: 0.7), motion: motion, clip: clip ?? 10)
  }

  private var jumpWeight: JumpWeight {
    switch weight ?? .none {
    case .none: .none
    case .interval: .interval
    case .inverseSquareInterval: .inverseSquareInterval
    case .adaptive: .adaptive(power: power ?? 1, offset: offset ?? 0.01)
    }
  }
}

extension LogitNormal {
  fileprivate var isUsable: Bool { mean.isFinite && deviation.isFinite && deviation > 0 }
}
