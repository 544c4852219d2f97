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
  static let shippedFolder = "models/doom-health-64x48"
  static let shapes: [String: CausalTransformerConfiguration] = [
    "generator-256": shape(width: 256, layers: 8, heads: 4, side: 16, frames: 16),
    "generator-384": shape(width: 384, layers: 12, heads: 6, side: 16, frames: 16),
    "generator-256-wide": shape(width: 256, layers: 8, heads: 4, side: 32, frames: 8),
  ]
  /// A jump from noise to data, the whole way.
  static let conditions = EvaluationConditions(r: 0, t: 1, contextNoise: 0.5, action: 1)
  /// Frames at the end whose predictions are compared.
  static let compared = 8
  /// Frames before them, with a full cache, that a quantiser may be calibrated with.
  static let calibrated = 32

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
      let bundle = try VideoBundle(folder: Self.shippedFolder)
      model = bundle.generator.model
      weights = bundle.weights
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
    let engine = GeneratorEngine(model, weights: weights, precision: .float32)
    var random = Random(key: 3)
    var clean = start ?? random.normal(latent)
    var frames: [(noisy: Tensor, previous: Tensor, output: Tensor)] = []
    for number in 0..<c.window + c.sink - 1 + Self.calibrated + Self.compared {
      let noisy = random.normal(latent)
      let context = random.normal(latent).affine(scale: Self.conditions.contextNoise)
      let previous = Tensor.combine(.add, clean, context)
      let output = engine.step(number, noisy: noisy, previous: previous)
      frames.append((noisy, previous, output))
      clean = start == nil ? random.normal(latent) : output
    }
    var writer = SafetensorsWriter()
    for (declaration, tensor) in zip(model.layout.declarations, weights) {
      writer.add(declaration.name, tensor)
    }
    writer.add("input.noisy", Tensor.concatenate(frames.map(\.noisy), axis: 0))
    writer.add("input.previous", Tensor.concatenate(frames.map(\.previous), axis: 0))
    writer.add("output", Tensor.concatenate(frames.suffix(Self.compared).map(\.output), axis: 0))
    return (writer, try metadata())
  }

  private func metadata() throws -> [String: String] {
    let c = Self.conditions
    return [
      "configuration": String(decoding: try JSONEncoder().encode(model.configuration), as: UTF8.self),
      "r": "\(c.r)", "t": "\(c.t)", "context_noise": "\(c.contextNoise)", "action": "\(c.action)",
      "compared": "\(Self.compared)", "calibrated": "\(Self.calibrated)",
    ]
  }
}
