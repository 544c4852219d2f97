// SPDX-License-Identifier: Apache-2.0

public import FlowAutodiff
internal import FlowTensor
internal import Glibc

/// What a jump counts by its length, short ones more at first: β = 1 − s + s·(1 − (t − r))/E[1 − (t − r)] with s = 1 − pᵏ at
/// progress p (2511.19065, which calls s the progress, though it falls from 1 to 0).
///
/// The mean of β is 1 at any time, so the jumps together count what they did.
public struct LengthCurriculum: Sendable, Equatable {
  /// k.
  public var power: Double
  /// E[t − r] of the jumps that are drawn.
  public var meanLength: Double

  /// A curriculum for the jumps of a sampler. Cost: 65,536 draws.
  public init(power: Double = 1, of pairs: JumpPairs) {
    precondition(power > 0, "LengthCurriculum: power \(power)")
    self.power = power
    meanLength = pairs.meanLength
  }

  /// β of lengths t − r, [count, 1], at a progress of 0…1.
  public func factor(length: Variable, progress: Double) -> Variable {
    let s = Float(1 - pow(progress, power))
    return (s / Float(1 - meanLength)) * (1 - length.detached) + (1 - s)
  }
}

/// What an error of the velocity counts by its time.
public enum DiagonalWeight: String, Sendable, Codable, CaseIterable {
  /// 1.
  case none
  /// min(SNR, 5)/(SNR + 1) with SNR = ((1 − t)/t)²: times with hardly any noise, whose errors are the greatest, count less
  /// (Hang et al. 2023, for velocities).
  case minimumSNR
  /// (1 − t)²: the error of the noise that the velocity stands for, which DDPM and score matching count.
  case noise
  /// t²: the error of the data that it stands for.
  case data

  /// What times [count, 1] count, or nil for 1.
  public func factor(at t: Variable) -> Variable? {
    switch self {
    case .none: return nil
    case .minimumSNR:
      let snr = ((1 - t) / t).map(.square).detached
      return Variable.minimum(snr, Variable(5)) / (snr + 1)
    case .noise: return (1 - t).map(.square).detached
    case .data: return t.map(.square).detached
    }
  }
}

/// Which times of the diagonal are learnt when: the noisiest part of `clusters` equal ones first, then one more at a time,
/// until all are when a share `last` of the training is done (easy first: 2403.10348).
public struct TimeCurriculum: Sendable, Equatable, Codable {
  /// Parts of 0…1.
  public var clusters: Int
  /// The progress at which all are learnt.
  public var last: Double

  /// A curriculum.
  public init(clusters: Int, last: Double) {
    precondition(clusters > 0 && last > 0 && last <= 1, "TimeCurriculum: \(clusters) clusters until \(last)")
    (self.clusters, self.last) = (clusters, last)
  }

  /// The earliest time that is learnt at a progress.
  public func least(at progress: Double) -> Double {
    let learnt = min(clusters, Int(progress / last * Double(clusters)) + 1)
    return 1 - Double(learnt) / Double(clusters)
  }
}
