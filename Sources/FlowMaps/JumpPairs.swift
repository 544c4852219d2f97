// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
public import FlowTensor
internal import Glibc

/// The times that a batch learns at.
///
/// Rows `diagonal` learn the flow's velocity at `diagonalTimes`; rows `jumps` learn to jump from t to r, over s where a
/// target wants a time between. A row may do both.
public struct JumpTimes: Sendable, Equatable {
  /// The rows that learn the diagonal.
  public var diagonal: Range<Int>
  /// Their times, one a row.
  public var diagonalTimes: [Float]
  /// The rows that learn jumps.
  public var jumps: Range<Int>
  /// Where each jump lands.
  public var r: [Float]
  /// A time between.
  public var s: [Float]
  /// Where each jump starts, at least r.
  public var t: [Float]
}

/// Draws the times of a batch: where jumps start and land, and which rows learn the diagonal.
public enum JumpPairs: Sendable, Equatable {
  /// The diagonal alone.
  case diagonal(TimeLaw = .uniform)
  /// r uniform, t uniform above it, or 1 for a share `atOne` of rows, where sampling begins; every row also learns the
  /// diagonal at r. With a share of 0 the sampler of generalised flow maps (2510.21608).
  case everyRow(atOne: Double)
  /// A share of the rows on the diagonal; the others on the triangle r < t, uniform (2505.18825).
  case triangle(diagonal: Double)
  /// A time of each of two logit-normal laws, the larger one t; a share of the rows on the diagonal. MeanFlow has one law
  /// twice (2505.13447); two means apart make long jumps more common (decoupled MeanFlow, 2510.24474).
  case logitNormal(LogitNormal, LogitNormal, diagonal: Double)
  /// A length t − r of one logit-normal law, then r of another, as far as t = r + length stays below 1 (TVM, 2511.19797);
  /// as many rows on the diagonal, at times of the second law.
  case length(LogitNormal, landing: LogitNormal)
  /// Jumps of the schedules of 1, 2, …, 2^levels−1 equal steps, each schedule as likely; a share of the rows on the diagonal
  /// (shortcut models).
  case dyadic(levels: Int, diagonal: Double)
  /// Jumps that start at noise, t = 1, and land at r uniform: no row on the diagonal, and of the data nothing is seen.
  case fromNoise
  /// Jumps to the least of a number of levels of noise from any other, by way of the level before it: no row on the
  /// diagonal. The levels are those of Karras et al., as times of the linear path (consistency models, 2303.01469).
  case levels(ConsistencyLevels)
  /// Jumps that land at r = 0 from t uniform, by way of s = t − `gap`·t; a share of the rows on the diagonal
  /// (consistency).
  case toData(gap: Double, diagonal: Double)
  /// Jumps that land at r = 0 from t of a law: continuous-time consistency, no row on the diagonal.
  case allToData(LogitNormal)

  /// A jump is at least so long, and lands so far from 1.
  private static let margin = TimeLaw.least

  /// E[t − r] of the jumps that are drawn, from many.
  public var meanLength: Double {
    var random = Random(key: 0)
    let times = sample(1 << 16, &random)
    return zip(times.r, times.t).reduce(0) { $0 + Double($1.1 - $1.0) } / Double(max(times.r.count, 1))
  }

  /// The times of `count` rows.
  ///
  /// - Parameter progress: the share of the training that is done.
  public func sample(_ count: Int, progress: Double = 0, _ random: inout Random) -> JumpTimes {
    switch self {
    case .diagonal(let law):
      let times = law.sample(count, &random)
      return JumpTimes(diagonal: 0..<count, diagonalTimes: times, jumps: 0..<0, r: [], s: [], t: [])
    case .everyRow(let share):
      let r = TimeLaw.uniform.sample(count, &random), pinned = random.uniforms(count)
      let t = zip(zip(r, pinned), random.uniforms(count)).map { row, draw in
        row.1 < Float(share) ? 1 : row.0 + (1 - row.0) * draw
      }
      return Self.times(count, diagonal: 0..<count, at: r, jumps: 0..<count, r, t)
    case .triangle(let share):
      let times = TimeLaw.uniform.sample(count, &random)
      let pairs = (random.uniforms(count), random.uniforms(count))
      return Self.split(count, share, times, pairs)
    case .logitNormal(let one, let other, let share):
      let first = one.sample(count, &random), second = other.sample(count, &random)
      // The rows on the diagonal are at the larger of two times too, as in the methods' own code.
      return Self.split(count, share, zip(first, second).map { max($0, $1) }, (first, second))
    case .length(let length, let landing):
      let lengths = length.sample(count, &random), draws = random.uniforms(count)
      let r = zip(lengths, draws).map { length, draw in
        Float(landing.quantile(Double(draw) * landing.distribution(1 - Double(length))))
      }
      return Self.times(
        count, diagonal: 0..<count, at: landing.sample(count, &random), jumps: 0..<count, r,
        zip(r, lengths).map { min($0 + $1, 1) })
    case .dyadic(let levels, let share):
      let times = TimeLaw.uniform.sample(count, &random)
      let jumps = (0..<count).map { _ in DyadicJump.sample(levels: levels, &random) }
      return Self.split(count, share, times, (jumps.map(\.r), jumps.map(\.t)))
    case .fromNoise:
      return Self.times(
        count, diagonal: 0..<0, at: [], jumps: 0..<count, TimeLaw.uniform.sample(count, &random),
        [Float](repeating: 1, count: count))
    case .levels(let levels):
      let times = levels.times(at: progress).map { Float($0) }
      let later = random.uniforms(count).map { 1 + min(times.count - 2, Int($0 * Float(times.count - 1))) }
      return JumpTimes(
        diagonal: 0..<0, diagonalTimes: [], jumps: 0..<count, r: later.map { _ in times[0] },
        s: later.map { times[$0 - 1] }, t: later.map { times[$0] })
    case .toData(let gap, let share):
      let t = TimeLaw.uniform.sample(count, &random)
      var times = Self.split(count, share, t, ([Float](repeating: 0, count: count), t))
      times.s = times.t.map { $0 * (1 - Float(gap)) }
      return times
    case .allToData(let law):
      return Self.times(
        count, diagonal: 0..<0, at: [], jumps: 0..<count, [Float](repeating: 0, count: count),
        law.sample(count, &random))
    }
  }

  /// The first rows on the diagonal, the others between pairs of times.
  private static func split(_ count: Int, _ share: Double, _ times: [Float], _ pairs: ([Float], [Float]))
    -> JumpTimes
  {
    let diagonal = Int((Double(count) * share).rounded())
    let rest = diagonal..<count
    return Self.times(
      count, diagonal: 0..<diagonal, at: Array(times[..<diagonal]), jumps: rest,
      rest.map { min(pairs.0[$0], pairs.1[$0]) }, rest.map { max(pairs.0[$0], pairs.1[$0]) })
  }

  private static func times(
    _ count: Int, diagonal: Range<Int>, at times: [Float], jumps: Range<Int>, _ r: [Float], _ t: [Float]
  ) -> JumpTimes {
    let r = r.map { min($0, 1 - margin) }
    let t = zip(r, t).map { max($1, $0 + margin) }
    return JumpTimes(
      diagonal: diagonal, diagonalTimes: times, jumps: jumps, r: r, s: zip(r, t).map { ($0 + $1) / 2 }, t: t)
  }
}
