// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowTensor

/// What a network sees of a state: its coordinates, but of those that are angles the cosines and sines of 1…h times
/// the angle.
struct StateFeatures: Sendable {
  /// Columns of the features.
  let count: Int
  let harmonics: Int
  let angles: [Range<Int>]
  let others: [Range<Int>]

  /// Features of states of `input` coordinates, of which those in `angles` are angles.
  init(input: Int, angles: [Int], harmonics: Int) {
    precondition(
      angles.allSatisfy { (0..<input).contains($0) } && angles == Array(Set(angles)).sorted(),
      "StateFeatures: angles \(angles) of \(input) coordinates")
    precondition(harmonics > 0, "StateFeatures: \(harmonics) harmonics")
    let periodic = Set(angles)
    count = input - angles.count + 2 * harmonics * angles.count
    self.harmonics = harmonics
    self.angles = Self.runs(angles)
    others = Self.runs((0..<input).filter { !periodic.contains($0) })
  }

  /// Rising numbers as ranges of neighbours.
  private static func runs(_ numbers: [Int]) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for number in numbers {
      if let last = runs.last, last.upperBound == number {
        runs[runs.count - 1] = last.lowerBound..<number + 1
      } else {
        runs.append(number..<number + 1)
      }
    }
    return runs
  }

  /// The features of states [rows, input], to be laid side by side: coordinates first.
  func callAsFunction(_ x: Variable) -> [Variable] {
    let part = { (run: Range<Int>) in run.count == x.shape[1] ? x : x.slice(axis: 1, run) }
    return others.map(part)
      + angles.flatMap { run in
        (1...harmonics).flatMap { multiple in
          let angle = multiple == 1 ? part(run) : Float(multiple) * part(run)
          return [angle.map(.cosine), angle.map(.sine)]
        }
      }
  }
}
