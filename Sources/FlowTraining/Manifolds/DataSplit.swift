// SPDX-License-Identifier: Apache-2.0

/// Which items of a data set are learnt from, which choose, and which judge: 80, 10 and 10 in a hundred.
///
/// Drawn as PyTorch's `random_split` draws it with a generator of the same seed, so that figures stand beside published
/// ones: a Fisher–Yates shuffle by MT19937, cut into training, validation and test; the last two are ⌊n/10⌋ each.
public struct DataSplit: Sendable, Equatable {
  /// The items that training sees.
  public let training: [Int]
  /// The items that choose between trainings.
  public let validation: [Int]
  /// The items that judge.
  public let test: [Int]

  /// The split of `count` items; published figures take seed 42.
  public init(count: Int, seed: UInt32 = 42) {
    var generator = MersenneTwister(seed: seed)
    var order = Array(0..<count)
    for index in 0..<max(count - 1, 0) {
      order.swapAt(index, index + Int(generator.next32() % UInt32(count - index)))
    }
    let held = count / 10
    training = Array(order[..<(count - 2 * held)])
    validation = Array(order[(count - 2 * held)..<(count - held)])
    test = Array(order[(count - held)...])
  }
}
