// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowMaps
import FlowTensor
import Glibc
import Testing

/// Cards 9, 10 and 23: what changes in the course of a training, and pairs of times.
@Suite("Curricula and laws of times")
struct CurriculumTests {
  private static let usual = LogitNormal(mean: -0.4, deviation: 1)

  private static func meanFlow(_ law: LogitNormal) -> JumpPairs { .logitNormal(law, law, diagonal: 0) }

  /// 1/E[1 − (t − r)].
  @Test(
    "the factor that keeps the mean of a length's weight is what is known",
    arguments: [
      (meanFlow(usual), 1.3041), (.triangle(diagonal: 0), 1.5),
      (meanFlow(LogitNormal(mean: -2, deviation: 2)), 1.3469),
    ])
  func factor(pairs: JumpPairs, wanted: Double) {
    #expect(abs(1 / (1 - pairs.meanLength) - wanted) < 0.01, "\(1 / (1 - pairs.meanLength))")
  }

  @Test(
    "lengths weigh 1 in the mean at any progress, short ones more at first, and all alike at the end",
    arguments: [0.5, 1, 2])
  func lengths(power: Double) {
    let pairs = Self.meanFlow(Self.usual), curriculum = LengthCurriculum(power: power, of: pairs)
    var random = Random(key: 3)
    let times = pairs.sample(100_000, &random)
    let length = Variable(Tensor(zip(times.r, times.t).map { $1 - $0 }, shape: [times.r.count, 1]))
    for progress in [0, 0.3, 0.8, 1] {
      let factors = curriculum.factor(length: length, progress: progress)
      #expect(abs(factors.mean().tensor.item - 1) < 0.01)
      let edges = Variable(Tensor([0, 1], shape: [2, 1]))
      let ends = curriculum.factor(length: edges, progress: progress).tensor.elements
      // s·λ apart.
      let apart = (1 - pow(progress, power)) / (1 - curriculum.meanLength)
      #expect(abs(Double(ends[0] - ends[1]) - apart) < 1e-5)
    }
  }

  @Test("MinSNR's weight falls towards the data beyond SNR 5, rises before, and has no jump there")
  func minimumSNR() {
    let weight = { (t: Float) in
      DiagonalWeight.minimumSNR.factor(at: Variable(Tensor([t], shape: [1, 1])))!.tensor.item
    }
    let edge = 1 / (1 + Float(5).squareRoot())
    #expect(abs(weight(edge - 1e-4) - weight(edge + 1e-4)) < 1e-3 && abs(weight(edge) - 5.0 / 6) < 1e-4)
    let times = (1..<100).map { Float($0) / 100 }
    for (t, next) in zip(times, times.dropFirst()) {
      #expect(next <= edge ? weight(t) < weight(next) : t < edge || weight(t) > weight(next))
    }
    #expect(weight(0.5) == 0.5 && DiagonalWeight.none.factor(at: Variable(1)) == nil)
  }

  @Test("the noisiest times are learnt first, then one part more at a time, then all")
  func clusters() {
    let curriculum = TimeCurriculum(clusters: 4, last: 0.8)
    let wanted = [(0, 0.75), (0.19, 0.75), (0.21, 0.5), (0.41, 0.25), (0.61, 0), (0.8, 0), (1, 0)]
    for (progress, least) in wanted { #expect(curriculum.least(at: progress) == least) }
  }

  @Test("decoupled MeanFlow's jumps are as long as is known")
  func decoupled() {
    let pairs = JumpPairs.logitNormal(
      LogitNormal(mean: 0.4, deviation: 1), LogitNormal(mean: -1.2, deviation: 1), diagonal: 0)
    #expect(abs(pairs.meanLength - 0.3519) < 0.004, "\(pairs.meanLength)")
  }

  @Test("TVM's jumps have the length that was drawn, and land where a truncated law says")
  func truncated() {
    let length = LogitNormal(mean: -0.8, deviation: 1)
    var random = Random(key: 5)
    let times = JumpPairs.length(length, landing: Self.usual).sample(100_000, &random)
    #expect(zip(times.r, times.t).allSatisfy { $0 >= 0 && $0 < $1 && $1 <= 1 })
    // P(length ≤ ½) is that of the law: no length is drawn anew.
    let share = Double(zip(times.r, times.t).count { $1 - $0 <= 0.5 }) / 100_000
    #expect(abs(share - length.distribution(0.5)) < 0.006)
    // Of landings below 0.7, which jumps of 0.3 allow, a share lies below 0.35.
    let some = zip(times.r, times.t).filter { abs($1 - $0 - 0.3) < 0.01 }
    let wanted = Self.usual.distribution(0.35) / Self.usual.distribution(0.7)
    #expect(abs(Double(some.count { $0.0 < 0.35 }) / Double(some.count) - wanted) < 0.04)
  }

  @Test("quantiles undo the distribution")
  func quantiles() {
    for p in [0.01, 0.3, 0.5, 0.99] {
      #expect(abs(Self.usual.distribution(Self.usual.quantile(p)) - p) < 1e-7)
    }
    #expect(Self.usual.distribution(0) == 0 && Self.usual.distribution(1) == 1)
    #expect(abs(Self.usual.quantile(0.5) - 1 / (1 + exp(0.4))) < 1e-8)
  }
}
