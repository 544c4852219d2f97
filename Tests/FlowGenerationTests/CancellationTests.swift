// SPDX-License-Identifier: Apache-2.0

import FlowGeneration
import FlowNN
import FlowTensor
import Testing

@Suite("Steps that are cancelled")
struct CancellationTests {
  /// Looks at a step of one stream: before the first block and each of 4, in each evaluation, and before each of the
  /// decoder's 7 convolutions.
  private func looks(steps: Int) -> Int { 5 * steps + 7 }

  private func manifest() -> VideoManifest {
    var manifest = tinyManifest()
    manifest.transformer.layers = 4
    return manifest
  }

  @Test(
    "a step cancelled at any block leaves its stream where it was, and made again is the same to the bit",
    arguments: InferencePrecision.allCases, [1, 3])
  func anywhere(precision: InferencePrecision, steps: Int) throws {
    let model = CausalVideoModel(tinyBundle(manifest(), precision: precision))
    let options = StreamOptions(seed: 3, steps: steps)
    let actions = [0, 1, 1, 0, 1, 0]
    let wanted = try frames(model, options, actions: actions)
    let stream = model.makeStream(options)
    for (frame, action) in actions.enumerated() {
      for count in 0..<looks(steps: steps) {
        // What was cancelled had another action, which must leave no trace.
        #expect(throws: AdvanceError.cancelled, "\(count) looks") {
          try model.advance([stream], actions: [1 - action], unless: Cancellation(afterLooks: count))
        }
        #expect(stream.framesGenerated == frame)
      }
      let made = try model.advance(
        [stream], actions: [action], unless: Cancellation(afterLooks: looks(steps: steps)))
      #expect(made == [wanted[frame]], "frame \(frame)")
    }
  }

  @Test(
    "all streams of a batch stay where they were, of however many evaluations, also when one has its picture")
  func batch() throws {
    let model = CausalVideoModel(tinyBundle(manifest()))
    let options = [StreamOptions(seed: 1, steps: 1), StreamOptions(seed: 2, steps: 2)]
    let wanted = try options.map { try frames(model, $0, actions: [0, 0, 1]) }
    let streams = options.map { model.makeStream($0) }
    for (frame, action) in [0, 0, 1].enumerated() {
      for count in 0..<17 {
        #expect(throws: AdvanceError.cancelled, "\(count) looks") {
          try model.advance(
            streams, actions: [action, action], unless: Cancellation(afterLooks: count))
        }
        #expect(streams.map(\.framesGenerated) == [frame, frame])
      }
      let made = try model.advance(
        streams, actions: [action, action], unless: Cancellation(afterLooks: 17))
      #expect(made == wanted.map { $0[frame] })
    }
  }

  @Test("a copy made after a cancelled step goes on as if there had been none")
  func copied() throws {
    let model = CausalVideoModel(tinyBundle(manifest()))
    let options = StreamOptions(seed: 5, steps: 2), actions = [1, 0, 1, 1, 0]
    let wanted = try frames(model, options, actions: actions)
    var stream = model.makeStream(options)
    for (action, frame) in zip(actions, wanted) {
      #expect(throws: AdvanceError.cancelled) {
        try model.advance([stream], actions: [1 - action], unless: Cancellation(afterLooks: 7))
      }
      stream = stream.copy()
      #expect(try model.advance([stream], actions: [action]) == [frame])
    }
  }

  @Test("what is cancelled stays cancelled, whichever thread it was")
  func sticks() async throws {
    let cancellation = Cancellation()
    #expect(!cancellation.isCancelled)
    try cancellation.check()
    await Task.detached { cancellation.cancel() }.value
    #expect(cancellation.isCancelled)
    for _ in 0..<3 { #expect(throws: Cancelled.self) { try cancellation.check() } }
    let model = CausalVideoModel(tinyBundle())
    let stream = model.makeStream(StreamOptions(seed: 1, steps: 1))
    #expect(throws: AdvanceError.cancelled) {
      try model.advance([stream], actions: [0], unless: cancellation)
    }
    #expect(stream.framesGenerated == 0)
  }
}
