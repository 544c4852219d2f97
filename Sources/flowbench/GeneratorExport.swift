// SPDX-License-Identifier: Apache-2.0

internal import FlowCheckpoint
internal import FlowGeneration
internal import FlowNN
internal import FlowTensor
internal import FoundationEssentials

/// The file of a generator case: a model and a run of frames that fills its cache and goes on.
///
/// Every side fills its cache by running the frames, so neither keys and values nor anything else that a model computes
/// is in the file but the prediction to compare with.
struct GeneratorExport {
  static let shipped = "generator-shipped"
  static let shapes: [String: CausalTransformerConfiguration] = [
    "generator-256": shape(width: 256, layers: 8, heads: 4, side: 16, frames: 16),
    "generator-384": shape(width: 384, layers: 12, heads: 6, side: 16, frames: 16),
    "generator-256-wide": shape(width: 256, layers: 8, heads: 4, side: 32, frames: 8),
  ]
  /// A jump from noise to data, the whole way.
  static let t: Float = 1
  static let r: Float = 0
  static let action: Int32 = 1
  static let contextNoise: Float = 0.5

  private let model: CausalTransformer
  private let weights: [Tensor]
  private let start: Tensor?

  private static func shape(width: Int, layers: Int, heads: Int, side: Int, frames: Int)
    -> CausalTransformerConfiguration
  {
    CausalTransformerConfiguration(
      latentHeight: side, latentWidth: side, latentChannels: 16, width: width, layers: layers, heads: heads,
      actions: 6, window: frames - 1, sink: 1)
  }

  init(_ name: String) throws {
    if let configuration = Self.shapes[name] {
      model = CausalTransformer(configuration)
      weights = Self.spread(model.layout)
      start = nil
    } else {
      let bundle = try VideoBundle(folder: "models/doom-health-64x48")
      model = bundle.generator.model
      weights = bundle.generator.weights
      start = bundle.starts.rows(0..<1)
    }
  }

  /// Random weights spread as training leaves them: biases and the head are not zero, gates are about a half.
  private static func spread(_ layout: ParameterLayout) -> [Tensor] {
    zip(layout.declarations, layout.initialize(seed: 1)).enumerated().map { index, parameter in
      let (declaration, beginning) = parameter
      var random = Random(key: 2, stream: UInt64(index))
      let noise = random.normal(declaration.shape)
      switch declaration.name {
      case "head.head.weight": return noise.affine(scale: 0.7 / Float(declaration.shape[1]).squareRoot())
      case "time_projection.1.weight": return beginning.affine(scale: 5)
      default:
        let isVector = declaration.shape.rank == 1
        return isVector ? Tensor.combine(.add, beginning, noise.affine(scale: 0.1)) : beginning
      }
    }
  }

  func write() throws -> (SafetensorsWriter, metadata: [String: String]) {
    let c = model.configuration
    let latent: Shape = [1, c.latentHeight, c.latentWidth, c.latentChannels]
    let count = c.window + c.sink - 1 + GeneratorFrames.calibrated + GeneratorFrames.compared
    let engine = try GeneratorEngine(model, weights: weights, precision: .float32)
    var random = Random(key: 3)
    var clean = start ?? random.normal(latent)
    var noisy: [Tensor] = [], previous: [Tensor] = [], output: [Tensor] = []
    for _ in 0..<count {
      noisy.append(random.normal(latent))
      previous.append(
        Tensor.combine(.add, clean, random.normal(latent).affine(scale: Self.contextNoise)))
      output.append(engine.step(GeneratorFrames(noisy: Tensor.concatenated(noisy, axis: 0), previous: Tensor.concatenated(previous, axis: 0)), noisy.count - 1))
      clean = start == nil ? random.normal(latent) : output.last!
    }
    var writer = SafetensorsWriter()
    for (declaration, tensor) in zip(model.layout.declarations, weights) { writer.add(declaration.name, tensor) }
    writer.add("input.noisy", Tensor.concatenated(noisy, axis: 0))
    writer.add("input.previous", Tensor.concatenated(previous, axis: 0))
    writer.add("output", Tensor.concatenated(Array(output.suffix(GeneratorFrames.compared)), axis: 0))
    let metadata = [
      "configuration": String(decoding: try JSONEncoder().encode(c), as: UTF8.self),
      "r": "\(Self.r)", "t": "\(Self.t)", "context_noise": "\(Self.contextNoise)", "action": "\(Self.action)",
      "compared": "\(GeneratorFrames.compared)", "calibrated": "\(GeneratorFrames.calibrated)",
    ]
    return (writer, metadata)
  }
}
