// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowTensor
internal import Glibc

/// Cosines and sines of a time at geometric frequencies: cos and sin of s·10⁴^(−i/n)·t, i = 0…n−1.
struct TimeFeatures: Sendable {
  /// Columns of the features: 2n.
  var count: Int { 2 * ladder.count }
  private let ladder: Tensor

  /// Features at `frequencies` frequencies, of which `scale` is the highest.
  init(frequencies: Int, scale: Double = 1000) {
    let n = frequencies
    ladder = Tensor((0..<n).map { Float(scale * exp(-log(1e4) * Double($0) / Double(n))) }, shape: [1, n])
  }

  /// The features [rows, 2n] of each time of `time` [rows, 1], cosines first.
  func callAsFunction(_ time: Variable) -> Variable {
    let angles = time * Variable(ladder)
    return concatenate([angles.map(.cosine), angles.map(.sine)], axis: 1)
  }
}
