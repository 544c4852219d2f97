// SPDX-License-Identifier: Apache-2.0

import FlowGeneration
import FlowNN
import FlowTensor
import Testing

@Suite("Copies of streams")
struct CopyTests {
  /// Frames before the copy: none, some, and so many that the window of 2 beside the sink of 1 has gone round.
  static let before = [0, 1, 2, 3, 8]
  private let options = StreamOptions(seed: 7, steps: 2)
  private let later = [1, 0, 0, 1, 1, 0, 1]

  private func start(
    _ model: CausalVideoModel, _ options: StreamOptions, frames: Int
  ) throws -> any VideoStream {
    let stream = model.makeStream(options)
    for frame in 0..<frames { _ = try model.advance([stream], actions: [frame % 2]) }
    return stream
  }

  private func go(
    _ model: CausalVideoModel, _ stream: any VideoStream, _ actions: [Int]
  ) throws -> [RGBImage] {
    try actions.flatMap { try model.advance([stream], actions: [$0]) }
  }

  @Test(
    "a copy goes on like its original to the bit, together or apart", arguments: InferencePrecision.allCases,
    before)
  func equal(precision: InferencePrecision, frames: Int) throws {
    let model = CausalVideoModel(tinyBundle(precision: precision))
    let wanted = try go(model, start(model, options, frames: frames), later)
    let original = try start(model, options, frames: frames)
    let copy = original.copy()
    #expect(copy.framesGenerated == frames && copy.byteCount == original.byteCount)
    let half = later.count / 2
    for (action, frame) in zip(later[..<half], wanted) {
      #expect(try model.advance([original, copy], actions: [action, action]) == [frame, frame])
    }
    #expect(try go(model, copy, Array(later[half...])) == Array(wanted[half...]))
    #expect(try go(model, original, Array(later[half...])) == Array(wanted[half...]))
  }

  @Test(
    "what a copy does, or its end, does not touch the original", arguments: InferencePrecision.allCases,
    before)
  func independent(precision: InferencePrecision, frames: Int) throws {
    let model = CausalVideoModel(tinyBundle(precision: precision))
    let wanted = try go(model, start(model, options, frames: frames), later)
    let original = try start(model, options, frames: frames)
    var copy: (any VideoStream)? = original.copy()
    var found: [RGBImage] = []
    for action in later.dropLast(2) {
      let other = try model.advance([#require(copy)], actions: [1 - action])
      found += try model.advance([original], actions: [action])
      #expect(other[0] != found.last)
    }
    copy = nil
    found += try go(model, original, later.suffix(2))
    #expect(found == wanted)
  }

  @Test("a copy of a copy goes on when those before it are gone")
  func chain() throws {
    let model = CausalVideoModel(tinyBundle())
    let wanted = try go(model, start(model, options, frames: 4), later)
    let last = try start(model, options, frames: 4).copy().copy()
    #expect(try go(model, last, later) == wanted)
  }

  @Test("another seed makes another future of the same past, its own seed the same one")
  func reseeded() throws {
    let model = CausalVideoModel(tinyBundle())
    let original = try start(model, options, frames: 4)
    let (same, other, again) = (original.copy(), original.copy(), original.copy())
    same.reseed(7)
    other.reseed(8)
    again.reseed(8)
    let wanted = try go(model, original, later), different = try go(model, other, later)
    #expect(try go(model, same, later) == wanted)
    #expect(try go(model, again, later) == different)
    #expect(zip(wanted, different).allSatisfy { $0 != $1 })
  }

  @Test("a stream holds what its model says, in every precision", arguments: InferencePrecision.allCases)
  func bytes(precision: InferencePrecision) {
    let model = CausalVideoModel(tinyBundle(precision: precision))
    #expect(model.makeStream(options).byteCount == model.description.bytesPerStream)
    #expect(model.description.bytesPerStream == tinyManifest().transformer.streamByteCount(precision))
  }
}
