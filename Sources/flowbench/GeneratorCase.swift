// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowCheckpoint
internal import FlowNN
internal import FlowTensor
internal import FoundationEssentials

/// One frame of a causal transformer against a full cache, in one evaluation.
struct GeneratorCase: BenchmarkCase {
  static var names: [String] { GeneratorExport.shapes.keys.sorted() + [GeneratorExport.shipped] }

  static func export(_ name: String) throws -> (SafetensorsWriter, metadata: [String: String]) {
    try GeneratorExport(name).write()
  }

  private let engine: GeneratorEngine
  private let frames: GeneratorFrames

  init(_ name: String, precision: Precision, input: SafetensorsFile) throws {
    guard let configuration = input.metadata["configuration"] else {
      throw NoSuchCase(description: "\(input.path) is no export of \(name)")
    }
    let model = CausalTransformer(
      try JSONDecoder().decode(CausalTransformerConfiguration.self, from: Data(configuration.utf8)))
    let weights = try model.layout.declarations.map { try input.tensor($0.name, shape: $0.shape) }
    frames = GeneratorFrames(
      noisy: try input.tensor("input.noisy"), previous: try input.tensor("input.previous"))
    engine = try GeneratorEngine(model, weights: weights, precision: precision)
    for frame in 0..<frames.count { _ = engine.step(frames, frame) }
  }

  mutating func run() { _ = engine.step(frames, frames.count - 1) }

  /// The predictions of the last frames; each changes only its own place of the cache, so they can be repeated.
  func outputs() -> [(name: String, tensor: Tensor)] {
    for frame in 0..<frames.count - GeneratorFrames.compared { _ = engine.step(frames, frame) }
    let predicted = (frames.count - GeneratorFrames.compared..<frames.count).map { engine.step(frames, $0) }
    return [("output", Tensor.concatenated(predicted, axis: 0))]
  }
}

/// The inputs of a run of frames, [frames, height, width, channels] each.
struct GeneratorFrames {
  /// Frames at the end whose predictions are compared.
  static let compared = 8
  /// Frames before them for quantisers to be calibrated with.
  static let calibrated = 32

  let noisy: Tensor
  let previous: Tensor
  var count: Int { noisy.shape[0] }

  /// One of the two as the sequence [1, 1, height, width, channels] of a frame.
  func sequence(_ tensor: Tensor, _ frame: Int) -> Tensor {
    tensor.rows(frame..<frame + 1).reshaped(Shape([1, 1] + tensor.shape.extents.dropFirst()))
  }
}

/// What runs our side of a step.
struct GeneratorEngine {
  private let model: CausalTransformer
  private let parameters: Parameters
  private let cache: KVCache

  init(_ model: CausalTransformer, weights: [Tensor], precision: Precision) throws {
    guard precision == .float32 else {
      throw NoSuchCase(description: "the plain path multiplies in float32 only")
    }
    self.model = model
    parameters = Parameters(weights)
    cache = model.makeCache()
  }

  /// Predicts one frame, [1, height, width, channels], and writes its keys and values to the cache.
  func step(_ frames: GeneratorFrames, _ frame: Int) -> Tensor {
    let previous = frames.sequence(frames.previous, frame)
    let conditions = FrameConditions(
      previous: Variable(previous), actions: [GeneratorExport.action],
      contextNoise: Variable(Tensor([GeneratorExport.contextNoise], shape: [1, 1])))
    return model.step(
      Variable(frames.sequence(frames.noisy, frame)), r: GeneratorExport.r, t: GeneratorExport.t, conditions,
      frame: frame, cache: cache, parameters
    ).tensor.reshaped(Shape(Array(previous.shape.extents.dropFirst())))
  }
}
