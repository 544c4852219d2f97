// SPDX-License-Identifier: Apache-2.0

import AllocationCounter
import FlowGeneration
import FlowNN
import FlowTensor
import FlowTestSupport
import Testing

@Suite("Memory of a step")
struct AllocationTests {
  /// A process of its own: other tests allocate meanwhile.
  @Test("once a schedule has been seen, frames allocate nothing", arguments: InferencePrecision.allCases)
  func none(precision: InferencePrecision) async {
    await #expect(processExitsWith: .success) { [precision] in
      let model = CausalTransformer(tinyManifest().transformer)
      let generator = LatentGenerator(
        model, weights: randomWeights(model.layout, seed: 1), contextNoise: 0.25, precision: precision)
      let streams = (0..<3).map { seed in
        let stream = generator.begin(.zeros(generator.latentShape), seed: UInt64(seed))
        (stream.steps, stream.action) = (1 + seed % 2, seed % 2)
        return stream
      }
      for _ in 0..<2 { generator.advance(streams) }

      allocation_counter_start()
      for _ in 0..<8 { generator.advance(streams) }
      let count = allocation_counter_stop()
      #expect(count == 0, "\(count) allocations in 8 frames")
      #expect(streams.allSatisfy { $0.frame == 10 })
    }
  }

  @Test("the counter counts", .disabled(if: sanitizer != nil, "a sanitizer allocates in its place"))
  func counter() async {
    await #expect(processExitsWith: .success) {
      allocation_counter_start()
      let block = UnsafeMutableRawPointer.allocate(byteCount: 1000, alignment: 64)
      block.deallocate()
      #expect(allocation_counter_stop() >= 1)
    }
  }
}
