// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowMaps
internal import FlowTensor
internal import Glibc

/// The scale and the times of guidance that a network is told, as it is told them: 1/ω, and the times.
struct GuidanceInputs {
  let guidance: RowGuidance
  let scalars: [Variable]

  /// Rows that all ask for one scale, at all times.
  init(_ count: Int, scale: Double) {
    let column = { (value: Double) in Variable(Tensor(repeating: Float(value), shape: [count, 1])) }
    self.init(scale: column(scale), first: column(0), last: column(1))
  }

  private init(scale: Variable, first: Variable, last: Variable) {
    guidance = RowGuidance(scale: scale, first: first, last: last)
    scalars = [1 / scale, first, last]
  }

  /// Scales of 1 to `most` with a density that falls as 1/ω, and times from the first half to the second.
  static func drawn(_ count: Int, most: Double, _ random: inout Random) -> GuidanceInputs {
    let column = { (values: [Float]) in Variable(Tensor(values, shape: [count, 1])) }
    return GuidanceInputs(
      scale: column(random.uniforms(count).map { pow(Float(most), $0) }),
      first: column(random.uniforms(count).map { 0.5 * $0 }),
      last: column(random.uniforms(count).map { 1 - 0.5 * $0 }))
  }
}

/// The times of the noised pictures that a meta flow map is given: 1 − U², of which a quarter are 1, where nothing is known of
/// the data.
enum OuterNoise {
  static func drawn(_ count: Int, _ random: inout Random) -> Variable {
    let times = zip(random.uniforms(count), random.uniforms(count)).map { $1 < 0.25 ? 1 : 1 - $0 * $0 }
    return Variable(Tensor(times.map { max($0, 1e-3) }, shape: [count, 1]))
  }
}
