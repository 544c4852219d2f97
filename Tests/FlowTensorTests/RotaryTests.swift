// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Glibc
import Testing

@Suite("The rotary embedding")
struct RotaryTests {
  @Test("it multiplies pairs by unit complex numbers, and back")
  func rotary() {
    var random = Random(key: 12)
    let x = random.normal([2, 3, 2, 6]), angles = random.normal([3, 3])
    let (cosine, sine) = (angles.map(.cosine), angles.map(.sine))
    let wanted = indices(of: x.shape).map { index -> Double in
      let (c, pair) = (index[3] % 2, index[3] / 2)
      let first = x.element([index[0], index[1], index[2], 2 * pair])
      let second = x.element([index[0], index[1], index[2], 2 * pair + 1])
      let angle = angles.element([index[1], pair])
      return c == 0 ? first * cos(angle) - second * sin(angle) : first * sin(angle) + second * cos(angle)
    }
    let y = Tensor.rotary(x, cosine: cosine, sine: sine)
    expectClose(y, wanted, tolerance: 1e-6)
    expectClose(Tensor.rotary(y, cosine: cosine, sine: sine, inverse: true), x.doubles, tolerance: 1e-6)
  }
}
