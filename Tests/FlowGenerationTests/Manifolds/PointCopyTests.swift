// SPDX-License-Identifier: Apache-2.0

import FlowGeneration
import FlowTensor
import FlowTestSupport
import Testing

@Suite("Copies and cancellation of streams of points")
struct PointCopyTests {
  /// A walk that takes several runs of the team a batch, so that a stream can be stopped within one.
  private func make() throws -> (model: FlowMapModel, options: PointStreamOptions) {
    let model = FlowMapModel(try tinyManifold("tiny", width: 512, layers: 3))
    let options = PointStreamOptions(seed: 1, walk: PointWalk(evaluations: 4), count: 6000, batch: 3000)
    return (model, options)
  }

  /// All batches that are still to come, and how many runs of the team they took.
  private func rest(of stream: any PointStream, points: Int = 6000) throws -> (
    batches: [PointBatch], runs: Int
  ) {
    var batches: [PointBatch] = [], runs = 0
    while batches.last.map({ $0.first + $0.shape[0] }) != points {
      runs += 1
      if let batch = try stream.advance(for: .zero) { batches.append(batch) }
    }
    return (batches, runs)
  }

  @Test("a copy made within a batch gives the same points, and its original too", arguments: [0, 1, 3])
  func copy(runs: Int) throws {
    let (model, options) = try make()
    let wanted = try rest(of: model.makeStream(options))
    #expect(wanted.runs > 8 && wanted.batches.count == 2)
    let stream = model.makeStream(options)
    for _ in 0..<runs { #expect(try stream.advance(for: .zero) == nil) }
    let copy = stream.copy()
    #expect(copy.byteCount == stream.byteCount && copy.byteCount == 4 * 3 * 3000)
    for found in [try rest(of: copy), try rest(of: stream)] {
      #expect(found.batches == wanted.batches && found.runs == wanted.runs - runs)
    }
  }

  @Test("another seed changes the points that have not begun, in the copy alone")
  func reseeded() throws {
    let (model, options) = try make()
    var others = options
    others.seed = 2
    let one = try rest(of: model.makeStream(options)).batches
    let two = try rest(of: model.makeStream(others)).batches
    let stream = model.makeStream(options)
    #expect(try stream.advance(for: .seconds(600)) == one[0])
    let copy = stream.copy()
    copy.reseed(2)
    #expect(try copy.advance(for: .seconds(600)) == two[1])
    #expect(try stream.advance(for: .seconds(600)) == one[1])
  }

  @Test("given starts are those of the copy, and no seed changes what they become")
  func given() throws {
    let (model, plain) = try make()
    var options = plain
    (options.count, options.batch, options.start) = (2, 1, [1, 0, 0, 0, 0.6, 0.8])
    options.wantsTrajectory = true
    let wanted = try rest(of: model.makeStream(options), points: 2).batches
    let stream = model.makeStream(options)
    #expect(try stream.advance(for: .seconds(600)) == wanted[0])
    let copy = stream.copy()
    copy.reseed(9)
    #expect(try rest(of: copy, points: 2).batches == [wanted[1]])
    #expect(copy.byteCount == 4 * 3 * 5 + 4 * 6)
  }

  @Test("a batch cancelled before any run of the team goes on to the same points")
  func cancelled() throws {
    let (model, options) = try make()
    let wanted = try rest(of: model.makeStream(options))
    let stream = model.makeStream(options)
    var batches: [PointBatch] = [], runs = 0
    while batches.count < wanted.batches.count {
      #expect(throws: AdvanceError.cancelled) {
        try stream.advance(for: .seconds(600), unless: Cancellation(afterLooks: 0))
      }
      // A budget of an age, ended by the second look alone.
      do throws(AdvanceError) {
        if let batch = try stream.advance(for: .seconds(600), unless: Cancellation(afterLooks: 1)) {
          batches.append(batch)
        }
      } catch {
        #expect(error == .cancelled)
      }
      runs += 1
    }
    #expect(batches == wanted.batches && runs == wanted.runs)
  }
}
