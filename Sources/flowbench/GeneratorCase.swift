// SPDX-License-Identifier: Apache-2.0

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
  private let noisy: Tensor
  private let previous: Tensor
  private let outputs: [Tensor]

  init(_ name: String, precision: InferencePrecision, input: SafetensorsFile) throws {
    guard let configuration = input.metadata["configuration"] else {
      throw NoSuchCase(description: "\(input.path) is no export of \(name)")
    }
    let model = CausalTransformer(
      try JSONDecoder().decode(CausalTransformerConfiguration.self, from: Data(configuration.utf8)))
    let weights = try model.layout.declarations.map { try input.tensor($0.name, shape: $0.shape) }
    let noisy = try input.tensor("input.noisy"), previous = try input.tensor("input.previous")
    let engine = GeneratorEngine(model, weights: weights, precision: precision)
    outputs = (0..<noisy.shape[0]).map { frame in
      engine.step(frame, noisy: noisy.rows(frame..<frame + 1), previous: previous.rows(frame..<frame + 1))
    }
    (self.noisy, self.previous, self.engine) = (noisy, previous, engine)
  }

  /// The last frame over again: it writes the same places of the cache.
  func run() {
    let last = noisy.shape[0] - 1
    engine.step(last, noisy: noisy.rows(last..<last + 1), previous: previous.rows(last..<last + 1))
  }

  /// The predictions of the last frames.
  func results() -> [(name: String, tensor: Tensor)] {
    [("output", Tensor.concatenate(outputs.suffix(GeneratorExport.compared), axis: 0))]
  }
}

/// What runs our side of a step.
struct GeneratorEngine {
  private let network: CompiledTransformer
  private let stream: TransformerStream

  init(_ model: CausalTransformer, weights: [Tensor], precision: InferencePrecision) {
    network = CompiledTransformer(model, weights: weights, precision: precision)
    stream = network.makeStream()
  }

  /// Predicts frame `number`, [1, height, width, channels] as its inputs, and writes its keys and values to the cache.
  @discardableResult
  func step(_ number: Int, noisy: Tensor, previous: Tensor) -> Tensor {
    noisy.withElements { stream.noisy.update(from: $0.baseAddress!, count: $0.count) }
    previous.withElements { stream.previous.update(from: $0.baseAddress!, count: $0.count) }
    network.step([EvaluationRequest(stream, frame: number, GeneratorExport.conditions, keep: 0, take: 1)])
    return Tensor(Array(UnsafeBufferPointer(start: stream.noisy, count: noisy.count)), shape: noisy.shape)
  }
}
