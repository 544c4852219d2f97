// SPDX-License-Identifier: Apache-2.0

/// The generator MT19937 of Matsumoto and Nishimura (1998): what the published splits of the data were drawn with.
struct MersenneTwister {
  private static let length = 624
  private static let middle = 397
  private var state: [UInt32]
  private var next = Self.length

  /// The generator begun as its authors' `init_genrand` does.
  init(seed: UInt32) {
    state = [seed]
    for index in 1..<Self.length {
      let last = state[index - 1]
      state.append(1_812_433_253 &* (last ^ last >> 30) &+ UInt32(index))
    }
  }

  /// 32 random bits.
  mutating func next32() -> UInt32 {
    if next == Self.length { twist() }
    var y = state[next]
    next += 1
    y ^= y >> 11
    y ^= y << 7 & 0x9D2C_5680
    y ^= y << 15 & 0xEFC6_0000
    return y ^ y >> 18
  }

  private mutating func twist() {
    for index in 0..<Self.length {
      let joined =
        state[index] & 0x8000_0000 | state[(index + 1) % Self.length] & 0x7FFF_FFFF
      state[index] =
        state[(index + Self.middle) % Self.length] ^ joined >> 1 ^ (joined & 1 == 0 ? 0 : 0x9908_B0DF)
    }
    next = 0
  }
}
