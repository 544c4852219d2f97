// SPDX-License-Identifier: Apache-2.0

import FlowGeneration
import FlowNN
import FlowTensor
import Foundation
import Testing

@Suite("Streams of a causal video model")
struct StreamTests {
  static let actions = [0, 1, 1, 0, 1, 0, 0]

  @Test("the same seed and actions give the same frames, another seed others", arguments: [1, 2, 4])
  func seeds(steps: Int) throws {
    let model = CausalVideoModel(tinyBundle())
    let make = { try frames(model, StreamOptions(seed: $0, steps: steps), actions: Self.actions) }
    let first = try make(7)
    #expect(first.count == Self.actions.count)
    #expect(first.allSatisfy { $0.width == 32 && $0.height == 16 })
    #expect(try make(7) == first)
    #expect(try zip(make(8), first).allSatisfy { $0 != $1 })
    // Seed 10 begins at the same start frame.
    #expect(try zip(make(10), first).allSatisfy { $0 != $1 })
  }

  @Test("an action changes its own frame and the later ones, no earlier one")
  func steering() throws {
    let model = CausalVideoModel(tinyBundle())
    let make = { try frames(model, StreamOptions(seed: 7, steps: 2), actions: $0) }
    let same = try zip(make([0, 0, 0, 0, 0]), make([0, 0, 1, 0, 0])).map { $0 == $1 }
    #expect(same == [true, true, false, false, false])
  }

  @Test("streams that advance together do not touch each other")
  func together() throws {
    let model = CausalVideoModel(tinyBundle())
    let options = [StreamOptions(seed: 1, steps: 1), StreamOptions(seed: 2, steps: 3)]
    let streams = options.map { model.makeStream($0) }
    var both: [[RGBImage]] = []
    for action in Self.actions { both.append(try model.advance(streams, actions: [action, 1 - action])) }
    #expect(try both.map { $0[0] } == frames(model, options[0], actions: Self.actions))
    #expect(try both.map { $0[1] } == frames(model, options[1], actions: Self.actions.map { 1 - $0 }))
    #expect(streams.allSatisfy { $0.framesGenerated == Self.actions.count })
  }

  /// Fresh weights predict the latent before, so without noise every frame is the first.
  private func still() -> VideoBundle {
    var manifest = tinyManifest()
    manifest.contextNoise = 0
    return tinyBundle(manifest) { layout, weights in weights = layout.initialize(seed: 1) }
  }

  @Test("a stream begins at the picture it is given")
  func initialImage() throws {
    let bundle = still()
    let pixels = (0..<16 * 32 * 3).map { UInt8($0 * 7 % 256) }
    let picture = Tensor(pixels.map { Float($0) / 127.5 - 1 }, shape: [1, 16, 32, 3])
    let wanted = bundle.codec.decode(bundle.codec.encode(picture)).bytes(scale: 127.5, shift: 127.5)
    let options = StreamOptions(
      seed: 4, steps: 1, initialImage: RGBImage(width: 32, height: 16, pixels: pixels))
    for frame in try frames(CausalVideoModel(bundle), options, actions: [0, 1, 0]) {
      // The picture's way through the model rounds otherwise than the one here.
      #expect(zip(frame.pixels, wanted).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
    }
  }

  @Test("without a picture the seed chooses the start frame", arguments: [0, 1, 2, 3, UInt64.max])
  func starts(seed: UInt64) throws {
    let bundle = still()
    let index = Int(seed % 3)
    let wanted = bundle.codec.decode(bundle.starts.rows(index..<index + 1)).bytes(scale: 127.5, shift: 127.5)
    let model = CausalVideoModel(bundle)
    #expect(try frames(model, StreamOptions(seed: seed, steps: 1), actions: [0]).map(\.pixels) == [wanted])
  }

  @Test("the shipped model's pictures in bytes are those of floats but for what no eye sees")
  func shippedPictures() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../models/doom-health-64x48").standardizedFileURL.path()
    let bundle = try VideoBundle(folder: folder), codec = bundle.codec
    let wanted = codec.decode(bundle.starts).bytes(scale: 127.5, shift: 127.5)
    let found = FrameDecoder(codec, precision: .int8).decode(bundle.starts).bytes(scale: 127.5, shift: 127.5)
    let squares = zip(found, wanted).reduce(0) { sum, pair in
      let difference = Int(pair.0) - Int(pair.1)
      return sum + difference * difference
    }
    // A mean square of 1 is a signal-to-noise ratio of 48 dB.
    let meanSquare = Double(squares) / Double(wanted.count)
    #expect(meanSquare < 1)
  }

  @Test("a value that is not finite is an error, and no stream has then advanced")
  func numericalError() throws {
    let manifest = tinyManifest()
    let bundle = tinyBundle(manifest) { layout, weights in
      let index = layout.declarations.firstIndex { $0.name == "action_embedding.weight" }!
      let width = manifest.transformer.width
      let spoilt = Tensor(repeating: .nan, shape: [1, width])
      weights[index] = Tensor.concatenate([weights[index].rows(0..<1), spoilt], axis: 0)
    }
    let model = CausalVideoModel(bundle)
    let options = [StreamOptions(seed: 1, steps: 2), StreamOptions(seed: 2, steps: 2)]
    let wanted = try options.map { try frames(model, $0, actions: [0, 0, 0, 0, 0]) }
    let streams = options.map { model.makeStream($0) }
    for frame in 0..<5 {
      #expect(throws: AdvanceError.self) { try model.advance(streams, actions: [0, 1]) }
      #expect(streams.map(\.framesGenerated) == [frame, frame])
      #expect(try model.advance(streams, actions: [0, 0]) == wanted.map { $0[frame] })
    }
  }

  @Test("a long stream stays finite")
  func long() throws {
    let model = CausalVideoModel(tinyBundle())
    let stream = model.makeStream(StreamOptions(seed: 1, steps: 1))
    for frame in 0..<200 { _ = try model.advance([stream], actions: [frame % 2]) }
    #expect(stream.framesGenerated == 200)
    #expect(stream.byteCount == model.description.bytesPerStream)
    #expect(stream.byteCount > tinyManifest().transformer.cacheByteCount(.float32))
  }
}
