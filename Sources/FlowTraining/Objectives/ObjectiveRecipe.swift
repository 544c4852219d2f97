// SPDX-License-Identifier: Apache-2.0

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
    /// MeanFlow whose derivative alone is along the model's own velocity.
    case improvedMeanFlow
    case consistency
    /// Consistency with a step of the teacher's flow in place of the path, by Euler's or by Heun's method.
    case consistencyFlow, consistencyHeun
    /// Consistency in continuous time, sCM.
    case continuousConsistency
    /// AlphaFlow along the path's velocity.
    case alpha
    /// AlphaFlow along the model's own velocity.
    case alphaOwn
  }

  /// The times that are learnt at.
  public enum Pairs: String, Sendable, NamedChoice {
    case diagonal, everyRow, triangle, logitNormal, length, dyadic, fromNoise, levels, toData, allToData
  }

  /// The law of the times of pairs diagonal.
  public enum Time: String, Sendable, NamedChoice {
    case uniform, logitNormal, discrete, variancePreserving
  }

  /// What a row's error counts.
  public enum Weight: String, Sendable, NamedChoice {
    case none, interval, inverseSquareInterval, adaptive, logVariance, cauchy
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
  /// The law of the times of pairs diagonal; uniform if absent.
  public var time: Time?
  /// The share of jumps that start at t = 1, for pairs everyRow; 0 if absent.
  public var atOne: Double?
  /// The share of rows on the diagonal, for pairs that part rows; 0.75 if absent.
  public var diagonal: Double?
  /// The law of a time for logitNormal times and pairs, by default with the mean −0.4; of the length of a jump for pairs
  /// length, by default with the mean −0.8; of where it starts for pairs allToData, by default with the mean −1 and the
  /// deviation 1.4. Other deviations are 1 by default.
  public var law: LogitNormal?
  /// The law of the other time for pairs logitNormal, by default the same; of where a jump lands for pairs length, by
  /// default with the mean −0.4.
  public var otherLaw: LogitNormal?
  /// The schedules of 1, 2, 4, … equal steps that pairs dyadic take; 7 if absent.
  public var schedules: Int?
  /// Whether a jump's time between is uniform on it, for the semigroup; half way if absent.
  public var splitsAnywhere: Bool?
  /// The levels of noise for pairs levels; from 2 to 151 if absent.
  public var levels: ConsistencyLevels?
  /// How far before t a consistency target starts, as a share of t; 0.05 if absent.
  public var gap: Double?
  /// AlphaFlow's share of the way at a known velocity, held through the training; absent where it falls.
  public var share: Double?
  /// AlphaFlow's share falls from 1 to 0, where it becomes MeanFlow: between these two shares of the training; 0.1 and 0.7
  /// if absent.
  public var fall: AlphaSchedule?
  /// What a row's error counts; 1 if absent.
  public var weight: Weight?
  /// Whether errors of the diagonal are weighed like those of jumps; not if absent.
  public var weighsDiagonal: Bool?
  /// The power of adaptive weights; 1 if absent.
  public var power: Double?
  /// The offset of adaptive weights; 0.01 if absent.
  public var offset: Double?
  /// The greatest length of what targets with derivatives in space bring along; 10 on manifolds if absent, any in flat
  /// space.
  public var clip: Float?
  /// How MeanFlow's and sCM's targets are normalised; sCM's always are, MeanFlow's not if absent.
  public var normalisation: NormalisationRecipe?
  /// The step of a central difference in place of the derivative along the flow; exact if absent.
  public var difference: Float?
  /// The share of the way to where a jump lands over which a difference from the state before is taken, in place of that
  /// derivative.
  public var backward: Float?
  /// What the diagonal counts against jumps; 1 if absent.
  public var diagonalWeight: Float?
  /// What an error of the velocity counts by its time; 1 if absent.
  public var timeWeight: DiagonalWeight?
  /// The power k of the curriculum of lengths, which lets short jumps count more at first; none if absent.
  public var lengthPower: Double?
  /// Which times of the diagonal are learnt when; all throughout if absent.
  public var curriculum: TimeCurriculum?
  /// How velocities are bent towards a class; not if absent.
  public var guidance: GuidanceRecipe?

  /// Whether targets are made of jumps that start and land anywhere, by a network that knows both times.
  var isConsistency: Bool {
    [.consistency, .consistencyFlow, .consistencyHeun, .continuousConsistency].contains(target)
  }
}

/// How a target's tangent is normalised: see ``FlowMaps/TangentNormalisation``.
public struct NormalisationRecipe: Sendable, Codable, Equatable {
  /// c; 0.1 if absent.
  public var offset: Float?
  /// The share of the training in which the derivative's share rises; 0.1 if absent.
  public var warmUp: Double?
}

/// How velocities that are learnt are bent towards a class: see ``FlowMaps/Guidance``.
public struct GuidanceRecipe: Sendable, Codable, Equatable {
  /// The published ways.
  public enum Rule: String, Sendable, NamedChoice {
    case mixture, own, model, classifierFree
  }

  /// The way.
  public var rule: Rule
  /// Its weight w.
  public var weight: Double
  /// κ of the mixture.
  public var share: Double?
  /// The first time that is guided; 0 if absent.
  public var first: Double?
  /// The last; 1 if absent.
  public var last: Double?
}
