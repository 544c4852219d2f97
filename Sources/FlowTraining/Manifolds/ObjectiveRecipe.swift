// SPDX-License-Identifier: Apache-2.0

internal import FlowManifolds
public import FlowMaps

/// The parts that an ``FlowMaps/Objective`` is made of, by name.
public struct ObjectiveRecipe: Sendable, Codable, Equatable {
  /// What jumps are compared with.
  public enum Target: String, Sendable, Codable, CaseIterable {
    /// There are no jumps: Riemannian flow matching.
    case none
    case lagrangian, eulerian, semigroup
    /// The published code's Eulerian loss, which has a defect: to compare.
    case eulerianPublished
    case meanFlow
    /// MeanFlow along the model's own velocity.
    case meanFlowOwn
    case consistency
    /// AlphaFlow along the path's velocity.
    case alpha
    /// AlphaFlow along the model's own velocity.
    case alphaOwn
  }

  /// The times that are learnt at.
  public enum Pairs: String, Sendable, Codable, CaseIterable {
    case diagonal, everyRow, triangle, logitNormal, toData
  }

  /// What a jump's error counts.
  public enum Weight: String, Sendable, Codable, CaseIterable {
    case none, interval, inverseSquareInterval, adaptive
  }

  /// What jumps are compared with.
  public var target: Target
  /// The times that are learnt at.
  public var pairs: Pairs
  /// The share of jumps that start at t = 1, for pairs everyRow; 0 if absent.
  public var atOne: Double?
  /// The share of rows on the diagonal, for pairs that part rows; 0.75 if absent.
  public var diagonal: Double?
  /// Mean of logit-normal times; −0.4 if absent.
  public var mean: Double?
  /// Deviation of logit-normal times; 1 if absent.
  public var deviation: Double?
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

  /// Two parts that do not go together and why, or a number that cannot be, or nil.
  var fault: String? {
    if target == .none, pairs != .diagonal {
      return "target none learns no jumps, and pairs \(pairs.rawValue) draws some; use pairs diagonal"
    }
    if target != .none, pairs == .diagonal {
      return "target \(target.rawValue) compares jumps, and pairs diagonal draws none; use pairs everyRow"
    }
    if target == .consistency, pairs != .toData {
      return
        "target consistency starts a little before t, and pairs \(pairs.rawValue) half way; use pairs toData"
    }
    let isAlpha = target == .alpha || target == .alphaOwn
    if !isAlpha, share != nil || fall != nil {
      return "share and fall are AlphaFlow's, and target \(target.rawValue) has none; use target alpha"
    }
    if share != nil, fall != nil { return "share is held and fall lets it fall; give one of them" }
    let checks: [(Bool, String)] = [
      ((mean ?? 0).isFinite, "mean must be a number"),
      (
        (deviation ?? 1).isFinite && (power ?? 1).isFinite && (offset ?? 1).isFinite && (clip ?? 10).isFinite
          && (diagonalWeight ?? 1).isFinite,
        "deviation, power, offset, clip and diagonalWeight must be finite"
      ),
      ((0..<1).contains(diagonal ?? 0.75), "diagonal must lie in 0..<1"),
      ((0...1).contains(atOne ?? 0), "atOne must lie in 0…1"),
      ((deviation ?? 1) > 0, "deviation must be positive"),
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

  /// The method as it is when this share of the training is done.
  func objective(on manifold: any Manifold, progress: Double = 0) -> Objective {
    Objective(
      path: GeodesicPath(manifold), pairs: jumpPairs, target: jumpTarget(at: progress), weight: jumpWeight,
      diagonalWeight: diagonalWeight ?? 1)
  }

  private var jumpPairs: JumpPairs {
    let share = diagonal ?? 0.75
    switch pairs {
    case .diagonal: return .diagonal
    case .everyRow: return .everyRow(atOne: atOne ?? 0)
    case .triangle: return .triangle(diagonal: share)
    case .logitNormal:
      return .logitNormal(mean: mean ?? -0.4, deviation: deviation ?? 1, diagonal: share)
    case .toData: return .toData(gap: gap ?? 0.05, diagonal: share)
    }
  }

  private func jumpTarget(at progress: Double) -> (any JumpTarget)? {
    let clip = clip ?? 10
    switch target {
    case .none: return nil
    case .lagrangian: return Lagrangian()
    case .eulerian: return Eulerian(clip: clip)
    case .eulerianPublished: return Eulerian(pushforward: .projection, clip: clip)
    case .semigroup: return Semigroup()
    case .meanFlow: return ManifoldMeanFlow(motion: .path, clip: clip)
    case .meanFlowOwn: return ManifoldMeanFlow(motion: .own, clip: clip)
    case .consistency: return Consistency()
    case .alpha: return alpha(at: progress, along: .path)
    case .alphaOwn: return alpha(at: progress, along: .own)
    }
  }

  private func alpha(at progress: Double, along motion: ManifoldMeanFlow.Motion) -> any JumpTarget {
    let share = share ?? (fall ?? AlphaSchedule(from: 0.1, to: 0.7)).share(at: progress)
    return share > 0
      ? Alpha(share: share, motion: motion) : ManifoldMeanFlow(motion: motion, clip: clip ?? 10)
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
