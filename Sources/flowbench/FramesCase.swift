// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowGeneration
internal import FlowTensor

/// Whole frames of the shipped model, from noise to bytes of RGB: what the daemon computes, without the daemon.
struct FramesCase: BenchmarkCase {
  private static let streamCounts = ["frames-1": 1, "frames-4": 4]
  /// Frames at the beginning of each stream that are compared with what the daemon sends.
  private static let compared = 8

  static var names: [String] { streamCounts.keys.sorted() }

  /// The model is in its bundle: what goes in beside it is a seed for each stream.
  static func export(_ name: String) -> (SafetensorsWriter, metadata: [String: String]) {
    var writer = SafetensorsWriter()
    writer.add("input.seeds", Tensor((1...streamCounts[name]!).map { Float($0) }))
    return (writer, [:])
  }

  private let model: CausalVideoModel
  private let seeds: [UInt64]
  private let streams: [any VideoStream]

  init(_ name: String, precision: InferencePrecision, input: SafetensorsFile) throws {
    let model = try CausalVideoModel(folder: GeneratorExport.shippedFolder, precision: precision)
    let seeds = try input.tensor("input.seeds").elements.map { UInt64($0) }
    (self.model, self.seeds, streams) = (model, seeds, Self.begin(seeds, model))
  }

  private static func begin(_ seeds: [UInt64], _ model: CausalVideoModel) -> [any VideoStream] {
    seeds.map { model.makeStream(StreamOptions(seed: $0, steps: model.description.defaultSteps)) }
  }

  /// The next frame of every stream, in one step.
  func run() { _ = advance(streams) }

  /// The first frames of each stream, [frames, height, width, 3] in 0…255.
  func results() -> [(name: String, tensor: Tensor)] {
    let streams = Self.begin(seeds, model)
    let frames = (0..<Self.compared).map { _ in advance(streams) }
    return streams.indices.map { index in
      ("output.\(index)", Tensor.concatenate(frames.map { Tensor(picture: $0[index]) }, axis: 0))
    }
  }

  private func advance(_ streams: [any VideoStream]) -> [RGBImage] {
    do {
      return try model.advance(streams, actions: streams.map { _ in model.description.defaultAction })
    } catch {
      preconditionFailure("FramesCase: \(error)")
    }
  }
}

extension Tensor {
  /// The bytes of a picture as they are, [1, height, width, 3].
  fileprivate init(picture: RGBImage) {
    self.init(picture.pixels.map { Float($0) }, shape: [1, picture.height, picture.width, 3])
  }
}
