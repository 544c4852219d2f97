// SPDX-License-Identifier: Apache-2.0

import FlowMaps
import FlowTensor
import Glibc
import Testing

@Suite("Times")
struct TimeTests {
  @Test("a schedule falls from 1 to 0 in equal steps", arguments: [1, 2, 3, 4, 10])
  func schedule(steps: Int) {
    let times = uniformSchedule(steps: steps)
    #expect(times.count == steps + 1 && times.first == 1 && times.last == 0)
    for (t, r) in zip(times, times.dropFirst()) { #expect(abs(t - r - 1 / Float(steps)) < 1e-6) }
  }

  @Test("dyadic jumps are the whole family, levels equally likely, each with its midpoint", arguments: 1...4)
  func dyadic(levels: Int) {
    var random = Random(key: 1)
    let draws = 4000
    var seen: [Float: [Float: Int]] = [:]
    for _ in 0..<draws {
      let jump = DyadicJump.sample(levels: levels, &random)
      #expect(jump.s == (jump.r + jump.t) / 2 && jump.r < jump.t)
      seen[jump.t - jump.r, default: [:]][jump.t, default: 0] += 1
    }
    let lengths = (0..<levels).map { 1 / Float(1 << $0) }
    #expect(seen.keys.sorted() == lengths.sorted())
    for length in lengths {
      let starts = seen[length] ?? [:]
      #expect(starts.keys.sorted() == Array(stride(from: length, through: 1, by: length)))
      let share = Double(starts.values.reduce(0, +)) / Double(draws)
      #expect(abs(share * Double(levels) - 1) < 0.15, "jumps of \(length) are \(share) of all")
    }
  }

  private static let laws: [TimeLaw] = [
    .uniform, .logitNormal(LogitNormal(mean: -0.4, deviation: 1)), .discrete, .variancePreserving,
  ]

  @Test("times lie inside", arguments: laws)
  func inside(law: TimeLaw) {
    var random = Random(key: 2)
    #expect(law.sample(10_000, &random).allSatisfy { $0 > 0 && $0 < 1 })
  }

  @Test("uniform times fill every tenth alike")
  func uniform() {
    var random = Random(key: 3)
    let tenths = Dictionary(grouping: TimeLaw.uniform.sample(10_000, &random)) { Int($0 * 10) }
    #expect(tenths.count == 10 && tenths.values.allSatisfy { (850..<1150).contains($0.count) })
  }

  @Test("logit-normal times have the mean and deviation of their logits")
  func logitNormal() {
    var random = Random(key: 4)
    let times = TimeLaw.logitNormal(LogitNormal(mean: -0.4, deviation: 1.5)).sample(10_000, &random)
    let logits = times.map { log(Double($0) / (1 - Double($0))) }
    let mean = logits.reduce(0, +) / 10_000
    let variance = logits.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 10_000
    #expect(abs(mean + 0.4) < 0.08 && abs(variance.squareRoot() - 1.5) < 0.06)
  }

  @Test("a diffusion's times are uniform on its own clock")
  func diffusions() {
    var random = Random(key: 5)
    let steps = TimeLaw.discrete.sample(10_000, &random).map { DiscretePath().time(ofLinear: Double($0)) }
    #expect(steps.allSatisfy { abs($0 - $0.rounded()) < 0.02 && $0 > 0.9 && $0 < 1000.1 })
    #expect(abs(steps.reduce(0, +) / 10_000 - 500.5) < 12)
    let path = VariancePreservingPath()
    let times = TimeLaw.variancePreserving.sample(10_000, &random).map { path.time(ofLinear: Double($0)) }
    #expect(abs(times.reduce(0, +) / 10_000 - 0.5) < 0.012)
  }
}
