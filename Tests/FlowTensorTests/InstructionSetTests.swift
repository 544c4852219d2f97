// SPDX-License-Identifier: Apache-2.0

import FlowTensor
import Testing

@Suite("Instruction sets")
struct InstructionSetTests {
  /// A process of its own: the choice holds for every kernel, and other tests compare bits meanwhile.
  @Test("every kernel does what its scalar build does", arguments: [InstructionSet.avx2, .avx512, .vnni])
  func agreement(set: InstructionSet) async {
    await #expect(processExitsWith: .success) { [set] in
      guard set.select() else { return }
      for kernel in kernelTable {
        for length in awkwardLengths { compare(kernel, length, set) }
      }
    }
  }
}

/// Runs a kernel's scalar build and that of another set on the same numbers.
private func compare(_ kernel: KernelRun, _ length: Int, _ set: InstructionSet) {
  #expect(InstructionSet.scalar.select() && InstructionSet.scalar != set)
  let specified = kernel.results(length)
  #expect(set.select())
  let found = kernel.results(length)
  #expect(found.count == specified.count)
  for (index, (found, specified)) in zip(found, specified).enumerated() {
    let close = abs(found - specified) <= kernel.tolerance * max(1, abs(specified))
    if !close {
      Issue.record("\(kernel.name) of \(length), \(set): element \(index) is \(found), not \(specified)")
      return
    }
  }
}
