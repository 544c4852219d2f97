// SPDX-License-Identifier: Apache-2.0

internal import CFlowKernels

/// An instruction set that the kernels are built for; the scalar build specifies the others.
package enum InstructionSet: CInt, CaseIterable, Codable, Sendable {
  case scalar, avx2, avx512
  /// AVX-512 with dot products of bytes.
  case vnni

  /// Makes every kernel of this process use the set from now on; false where the machine lacks it.
  package func select() -> Bool { flow_isa_select(rawValue) }

  /// Whether the set in use multiplies bfloat16 numbers.
  package static var multipliesBFloat16: Bool { flow_has_bfloat16_products() }
}
