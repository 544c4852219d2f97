// SPDX-License-Identifier: Apache-2.0

import AllocationCounter
import FlowGeneration
import FlowTensor
import FlowTestSupport
import Testing

@Suite("Streams of thousands of frames")
struct EnduranceTests {
  /// A process of its own: what other tests hold would be counted too.
  @Test("memory and caches are the same after 3000 frames as after 300")
  func flat() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      try writeTinyBundle("tiny", in: folder.path)
      let model = try CausalVideoModel(folder: "\(folder.path)/tiny")
      let streams = (1...2).map { model.makeStream(StreamOptions(seed: $0, steps: 1)) }
      let run = { (frames: Int) in
        for frame in 0..<frames { _ = try model.advance(streams, actions: [frame % 2, frame / 3 % 2]) }
      }
      let memory = { [TensorMemory.currentBytes, TensorMemory.unusedBytes, streams[0].byteCount] }
      try run(300)
      let held = memory(), heap = allocation_counter_heap_bytes()
      try run(2700)
      #expect(memory() == held)
      #expect(allocation_counter_heap_bytes() < heap + (64 << 10))
      #expect(streams.map(\.framesGenerated) == [3000, 3000])
    }
  }

  @Test("a stream far beyond its window goes on as its copy does")
  func far() throws {
    let folder = try TemporaryFolder()
    try writeTinyBundle("tiny", in: folder.path)
    let model = try CausalVideoModel(folder: "\(folder.path)/tiny")
    let stream = model.makeStream(StreamOptions(seed: 1, steps: 1))
    for frame in 0..<1000 { _ = try model.advance([stream], actions: [frame % 2]) }
    let copy = stream.copy()
    for action in [0, 1, 1, 0, 0, 1] {
      #expect(try model.advance([stream], actions: [action]) == model.advance([copy], actions: [action]))
    }
    #expect(copy.framesGenerated == 1006)
  }
}
