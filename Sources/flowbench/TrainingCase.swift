// SPDX-License-Identifier: Apache-2.0

internal import FlowAutodiff
internal import FlowCheckpoint
internal import FlowGeneration
internal import FlowNN
internal import FlowTensor
internal import FoundationEssentials

/// What is trained: a network and the loss of one batch.
protocol TrainingTask {
  /// The cases of this kind.
  static var names: [String] { get }
  /// Writes batches for a case; returns the network's configuration and parameters.
  static func export(_ name: String, to writer: inout SafetensorsWriter, _ random: inout Random) throws
    -> (configuration: any Encodable, layout: ParameterLayout)

  init(_ name: String, configuration: Data, input: SafetensorsFile) throws
  /// The network's parameters.
  var layout: ParameterLayout { get }
  /// The loss of batch `number`.
  func loss(_ p: Parameters, batch number: Int) -> Variable
  /// Operations of the matrix products of a step, in 10⁹.
  var gigaflops: Double { get }
}

/// Batches that a case takes in turn.
let batchesPerCase = 16

/// A whole step of training: loss, gradient, clipping by the global norm, AdamW and the moving average.
struct TrainingCase<Task: TrainingTask>: BenchmarkCase {
  static var names: [String] { Task.names }

  static func export(_ name: String) throws -> (SafetensorsWriter, metadata: [String: String]) {
    var writer = SafetensorsWriter()
    var random = Random(key: 2)
    let (configuration, layout) = try Task.export(name, to: &writer, &random)
    for (declaration, weight) in zip(layout.declarations, spread(layout)) {
      writer.add(declaration.name, weight)
    }
    let metadata = [
      "configuration": String(decoding: try JSONEncoder().encode(configuration), as: UTF8.self),
      "rate": "\(Self.rate)", "beta1": "\(Self.beta1)", "beta2": "\(Self.beta2)",
      "epsilon": "\(Self.epsilon)", "decay": "\(Self.decay)", "average_decay": "\(Self.averageDecay)",
      "clip": "\(Self.clip)",
    ]
    return (writer, metadata)
  }

  private static var rate: Float { 1e-4 }
  private static var beta1: Float { 0.9 }
  private static var beta2: Float { 0.95 }
  private static var epsilon: Float { 1e-8 }
  private static var decay: Float { 0.01 }
  private static var averageDecay: Float { 0.999 }
  private static var clip: Float { 1 }

  /// Fresh weights, those that begin at zero drawn too: else most gradients are zero and nothing is compared.
  private static func spread(_ layout: ParameterLayout) -> [Tensor] {
    zip(layout.declarations, layout.initialize(seed: 1)).enumerated().map { index, pair in
      var random = Random(key: 3, stream: UInt64(index))
      return pair.0.initializer == .zeros ? random.normal(pair.0.shape).affine(scale: 0.02) : pair.1
    }
  }

  private let task: Task
  private let precision: MatmulPrecision
  private let exported: [Tensor]
  private var trained: [TrainedTensor]
  private var steps = 0
  private(set) var loss: Double?

  init(_ name: String, precision: InferencePrecision, input: SafetensorsFile) throws {
    guard let precision = MatmulPrecision(rawValue: precision.rawValue) else {
      throw NoSuchCase(description: "training multiplies in float32 or bfloat16")
    }
    self.precision = precision
    task = try Task(name, configuration: Data((input.metadata["configuration"] ?? "").utf8), input: input)
    exported = try task.layout.declarations.map { try input.tensor($0.name, shape: $0.shape) }
    trained = exported.map { TrainedTensor($0) }
  }

  var remarks: [String: Double] { ["gflop": task.gigaflops] }

  mutating func run() {
    let (loss, gradient) = gradient(at: trained.map(\.weight), batch: steps % batchesPerCase)
    steps += 1
    self.loss = Double(loss)
    let norm = Float(gradient.reduce(0) { $0 + $1.sumOfSquares }.squareRoot())
    let step = OptimiserStep(
      rate: Self.rate, beta1: Self.beta1, beta2: Self.beta2, epsilon: Self.epsilon, decay: Self.decay,
      number: steps, gradientScale: norm > Self.clip ? Self.clip / norm : 1, averageDecay: Self.averageDecay)
    for index in gradient.indices { trained[index].apply(step, gradient: gradient[index]) }
  }

  func results() -> [(name: String, tensor: Tensor)] {
    let (loss, gradient) = gradient(at: exported, batch: 0)
    return [("loss", Tensor([loss]))]
      + zip(task.layout.declarations, gradient).map { ("gradient.\($0.name)", $1) }
  }

  /// In a function of its own, so that nothing refers to the weights when they are written.
  private func gradient(at weights: [Tensor], batch: Int) -> (Float, [Tensor]) {
    MatmulPrecision.$current.withValue(precision) {
      let (value, gradient) = valueAndGradient(at: weights.map { Variable($0) }) {
        task.loss(Parameters($0), batch: batch)
      }
      return (value.tensor.item, gradient.map(\.tensor))
    }
  }
}

extension SafetensorsFile {
  /// The batches of an input, [batches, …], each as a constant.
  func batches(_ name: String) throws -> [Variable] {
    let all = try tensor(name)
    return (0..<all.shape[0]).map { batch in
      Variable(all.rows(batch..<batch + 1).reshaped(Shape(Array(all.shape.extents.dropFirst()))))
    }
  }
}
