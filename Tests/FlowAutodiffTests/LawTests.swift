// SPDX-License-Identifier: Apache-2.0

import FlowAutodiff
import FlowTensor
import Testing

@Suite("Laws of derivatives")
struct LawTests {
  @Test("J·v is the difference along v, and ⟨u, J·v⟩ = ⟨Jᵀ·u, v⟩", arguments: lawTable)
  func first(law: Law) {
    for extent in law.extents { LawCheck(law, extent: extent).firstOrder() }
  }

  @Test(
    "second derivatives are differences of first ones, equal in all nestings, symmetric", arguments: lawTable)
  func second(law: Law) {
    for extent in law.extents { LawCheck(law, extent: extent).secondOrder() }
  }

  @Test("derivatives at 0 are finite", arguments: lawTable)
  func zero(law: Law) {
    for extent in law.extents { LawCheck(law, extent: extent).zero() }
  }
}
