// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Glibc
import Testing

@Suite("Softmax")
struct SoftmaxTests {
  @Test("large scores do not overflow the softmax", arguments: awkwardLengths)
  func softmax(length: Int) {
    var random = Random(key: 11)
    let x = random.normal([3, length]).affine(scale: 300, shift: 1000)
    let values = x.doubles
    let wanted = (0..<3).flatMap { row -> [Double] in
      let row = Array(values[row * length..<(row + 1) * length])
      let weights = row.map { exp($0 - (row.max() ?? 0)) }
      return weights.map { $0 / weights.reduce(0, +) }
    }
    expectClose(x.softmax(), wanted, tolerance: 1e-5)
  }
}
