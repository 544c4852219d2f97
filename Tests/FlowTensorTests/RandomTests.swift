// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Glibc
import Testing

@Suite("Random numbers")
struct RandomTests {
  /// Philox 4×32-10 as its paper writes it.
  static func philox(_ counter: [UInt32], key: [UInt32]) -> [UInt32] {
    var (c, k) = (counter, key)
    for _ in 0..<10 {
      let (p0, p1) = (c[0].multipliedFullWidth(by: 0xD251_1F53), c[2].multipliedFullWidth(by: 0xCD9E_8D57))
      c = [p1.high ^ c[1] ^ k[0], p1.low, p0.high ^ c[3] ^ k[1], p0.low]
      k = [k[0] &+ 0x9E37_79B9, k[1] &+ 0xBB67_AE85]
    }
    return c
  }

  /// Random123's kat_vectors for philox4x32-10: counter, key, result.
  static let knownAnswers: [([UInt32], [UInt32], [UInt32])] = [
    ([0, 0, 0, 0], [0, 0], [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]),
    (
      [UInt32](repeating: .max, count: 4), [.max, .max], [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]
    ),
    (
      [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344], [0xA409_3822, 0x299F_31D0],
      [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]
    ),
  ]

  @Test("the reference here gives Random123's known answers", arguments: knownAnswers)
  func reference(example: ([UInt32], [UInt32], [UInt32])) {
    #expect(Self.philox(example.0, key: example.1) == example.2)
  }

  static let seeds: [(UInt64, UInt64)] = [
    (0, 0), (.max, .max), (0x299F_31D0_A409_3822, 0x0370_7344_1319_8A2E), (7, 1 << 40),
  ]

  @Test("uniform numbers are the upper 24 bits of Philox, key and stream in both halves", arguments: seeds)
  func uniform(seed: (UInt64, UInt64)) {
    let halves = { (word: UInt64) in
      [UInt32(truncatingIfNeeded: word), UInt32(truncatingIfNeeded: word >> 32)]
    }
    var random = Random(key: seed.0, stream: seed.1)
    // Over the border of what one thread makes at a time.
    let found = random.uniform([40_003]).elements
    #expect(random.stream == seed.1 &+ 1)
    for block in [0, 1, 2, 8191, 8192, 10_000] {
      let bits = Self.philox([UInt32(block), 0] + halves(seed.1), key: halves(seed.0))
      for (lane, word) in bits.enumerated() where 4 * block + lane < found.count {
        #expect(found[4 * block + lane] * 0x1p24 == Float(word >> 8))
      }
    }
  }

  @Test("normal numbers are Box and Muller's of the uniform ones")
  func boxMuller() {
    var (uniform, normal) = (Random(key: 3, stream: 9), Random(key: 3, stream: 9))
    let u = uniform.uniform([1000]).doubles, z = normal.normal([1000]).doubles
    for pair in 0..<500 {
      let radius = sqrt(-2 * log(1 - u[2 * pair])), angle = 2 * Double.pi * u[2 * pair + 1]
      #expect(
        abs(z[2 * pair] - radius * cos(angle)) < 1e-4 && abs(z[2 * pair + 1] - radius * sin(angle)) < 1e-4)
    }
  }

  @Test("a shorter draw begins as a longer one does")
  func prefix() {
    for count in awkwardLengths {
      var (short, long) = (Random(key: 4), Random(key: 4))
      #expect(short.normal([count]).elements == Array(long.normal([2000]).elements[..<count]))
    }
  }

  /// Bounds are six standard errors of each moment.
  @Test("a million numbers have the moments of their law")
  func moments() {
    let n = 1_000_000.0
    var random = Random(key: 12)
    let z = random.normal([1_000_000]).doubles, other = random.normal([1_000_000]).doubles
    let mean = { (x: any Sequence<Double>) in x.reduce(0.0) { $0 + $1 } / n }
    #expect(abs(mean(z)) < 6 / sqrt(n))
    #expect(abs(mean(z.lazy.map { $0 * $0 }) - 1) < 6 * sqrt(2 / n))
    #expect(abs(mean(z.lazy.map { $0 * $0 * $0 })) < 6 * sqrt(15 / n))
    #expect(abs(mean(z.lazy.map { $0 * $0 * $0 * $0 }) - 3) < 6 * sqrt(96 / n))
    #expect(abs(mean(zip(z, z.dropFirst()).lazy.map { $0 * $1 })) < 6 / sqrt(n), "neighbours are correlated")
    #expect(abs(mean(zip(z, other).lazy.map { $0 * $1 })) < 6 / sqrt(n), "streams are correlated")
    let u = random.uniform([1_000_000]).doubles
    #expect(u.allSatisfy { 0 <= $0 && $0 < 1 })
    #expect(
      abs(mean(u) - 0.5) < 6 * sqrt(1 / 12 / n)
        && abs(mean(u.lazy.map { $0 * $0 }) - 1 / 3) < 6 * sqrt(4 / 45 / n))
  }

  @Test("integers fill their range and nothing else")
  func integers() {
    var random = Random(key: 5)
    var seen: [Int: Int] = [:]
    for _ in 0..<7000 { seen[random.integer(in: -3..<4), default: 0] += 1 }
    #expect(seen.keys.sorted() == Array(-3..<4))
    #expect(seen.values.allSatisfy { (800..<1200).contains($0) })
  }
}
